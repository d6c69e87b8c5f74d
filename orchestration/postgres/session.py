"""Settings that every session with the database relies on, whatever its defaults are.

A setting may have a default of the server, of the role, of the database, and of the role in the
database, and libpq reads more from the environment. `pin` sets all of them once connected, since
poolers do not pass on settings at the start of a session.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

SETTINGS = {
    # First, so that the others are not cut short.
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "search_path": "",
    "row_security": "on",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "timezone_abbreviations": "Default",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "gin_fuzzy_search_limit": "0",
    "restrict_nonsystem_relation_kind": "",
    "exit_on_error": "off",
}

# Variables of libpq that prove who connects, and to whom. All others would change which database
# is meant, or what a session does; the settings say that.
_CREDENTIALS = (
    "PGCHANNELBINDING", "PGGSS", "PGKRBSRVNAME", "PGPASS", "PGREQUIRE", "PGSSL",
)  # fmt: skip

_QUERY_CANCELED = "57014"
_ATTEMPTS = 20


class DriverConnection(Protocol):
    """A connection of psycopg or psycopg2."""

    autocommit: Any

    def cursor(self) -> Any:
        """Open a cursor."""


def pin(connection: DriverConnection, **further: str) -> None:
    """Pin the settings of a new session.

    Args:
        connection: A connection without a transaction.
        further: Settings of this session beside or instead of the common ones.
    """
    before, connection.autocommit = connection.autocommit, True
    settings = {**SETTINGS, **further}
    execute(connection, "; ".join(f"set {name} = '{value}'" for name, value in settings.items()))
    connection.autocommit = before


def pin_engines(connections: type[Any], **further: str) -> None:
    """Pin the settings of each session that SQLAlchemy opens in this process.

    Args:
        connections: The class of the connections; those of other drivers are left as they are.
        further: Settings of these sessions beside or instead of the common ones.
    """
    from sqlalchemy import Pool, event

    @event.listens_for(Pool, "connect")
    def pin_session(connection: Any, _: object) -> None:
        if isinstance(connection, connections):
            pin(connection, **further)


def execute(connection: DriverConnection, statement: str) -> Any:
    """Execute a short statement before the time-outs are pinned; return the cursor.

    On a busy machine a default time-out of some milliseconds may cut even this one short.
    """
    for attempt in range(_ATTEMPTS):
        cursor = connection.cursor()
        try:
            cursor.execute(statement)
        except Exception as error:
            code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
            if code != _QUERY_CANCELED or attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    return cursor


def startup_options() -> str:
    """Return the settings as libpq's `options`, for programs that no statement can be sent to."""
    escaped = {name: value.replace(" ", "\\ ") for name, value in SETTINGS.items()}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())


def forget_environment() -> None:
    """Remove libpq's variables from the environment of this process, except for credentials."""
    for name in list(os.environ):
        if name.startswith("PG") and not name.startswith(_CREDENTIALS):
            del os.environ[name]


# At the import, before any library can connect: every address passes through this package.
forget_environment()
