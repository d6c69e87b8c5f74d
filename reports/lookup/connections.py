"""Self-healing connection pools, one for each of the two database logins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

_IMPATIENT_SECONDS = 0.5
_SESSION_SECONDS = 3_600

# Its warnings repeat the server's message, with its address, at every reconnection attempt.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


class DatabaseUnavailable(Exception):
    """The database does not answer."""


class ConnectionPools:
    """The pool of one login. After a timed-out wait, further waits are short until one succeeds."""

    def __init__(
        self,
        address: str,
        *,
        name: str,
        size: int,
        pin: Callable[[psycopg.Connection], None],
        settings: dict[str, str],
        patience: float,
    ) -> None:
        self._patience = patience
        self._is_away = False
        set_all = sql.SQL("; ").join(
            sql.SQL("set {} = {}").format(sql.Identifier(key), sql.Literal(value))
            for key, value in settings.items()
        )

        def configure(conn: psycopg.Connection) -> None:
            pin(conn)
            conn.execute(set_all)

        self._pool = ConnectionPool(
            address,
            kwargs={"autocommit": True, "application_name": name, "connect_timeout": 3},
            min_size=min(2, size),
            max_size=size,
            open=False,
            configure=configure,
            reconnect_timeout=max(patience, 1),
            max_lifetime=_SESSION_SECONDS,
            name=name,
        )

    def open(self) -> None:
        """Open the pool without waiting for the server."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def one(self, patience: float | None = None) -> Iterator[psycopg.Connection]:
        """Borrow a connection in autocommit mode.

        Raises DatabaseUnavailable when none is available within `patience` seconds.
        """
        if patience is None:
            patience = _IMPATIENT_SECONDS if self._is_away else self._patience
        began = time.monotonic()
        try:
            conn = self._living(began + patience)
        except (PoolTimeout, psycopg.OperationalError) as error:
            # Only a full wait shows that the server is down; a short one may have met a busy pool.
            self._is_away = self._is_away or time.monotonic() - began >= self._patience
            raise DatabaseUnavailable from error
        self._is_away = False
        try:
            yield conn
        finally:
            self._pool.putconn(conn)

    def _living(self, until: float) -> psycopg.Connection:
        """Return a connection that answers, discarding those from before a restart of the server.

        The pool's own check would wait one second after the first, two after the next, and so on.
        """
        while True:
            conn = self._pool.getconn(timeout=max(until - time.monotonic(), 0))
            try:
                ConnectionPool.check_connection(conn)
            except psycopg.OperationalError:
                self._pool.putconn(conn)
            else:
                return conn


def page_settings(statement_seconds: float) -> dict[str, str]:
    """Return the settings of read-only sessions that read the published tables."""
    return {
        "default_transaction_read_only": "on",
        "search_path": "marts",
        "statement_timeout": f"{round(statement_seconds * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{round(statement_seconds * 4000)}ms",
    }


def sign_in_settings(statement_seconds: float) -> dict[str, str]:
    """Return the settings of sessions that write accounts, sessions and the access log."""
    return {
        "search_path": "access",
        "statement_timeout": f"{round(statement_seconds * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{round(statement_seconds * 4000)}ms",
    }
