"""Reads the published tables as one user, in one read-only snapshot.

A publication renames schemas. PostgreSQL resolves names in the latest catalog but selects rows by
the transaction's snapshot, so a rename between the two would show new, seemingly empty tables. Each
transaction therefore begins by locking `marts.company`, which `publish` locks exclusively during
the swap. `lock table` takes no snapshot: a transaction that waited for it sees the state after the
swap.

The reader is identified by the hash of the session's token, which the row policies look up: the
role of the page cannot name a reader who has no session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from reports.lookup.connections import ConnectionPools
from reports.lookup.users import User

_BEGIN = (
    "begin transaction isolation level repeatable read read only;"
    " lock table marts.company in access share mode"
)
_IDENTIFY = """
select user_id, login, full_name, role, home_company_id, company_ids
from access.identify(%s)
"""


class NothingPublished(Exception):
    """Nothing has been published yet."""


class OtherEdition(Exception):
    """The published tables and the current edition's pages are of different runs."""


@contextmanager
def transaction(connections: ConnectionPools) -> Iterator[psycopg.Connection]:
    """Open a read-only transaction without a user, in which no company's rows are visible."""
    with connections.one() as conn:
        try:
            try:
                conn.execute(_BEGIN, prepare=False)
            except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable) as error:
                raise NothingPublished from error
            yield conn
        finally:
            # Also resets the user. A broken connection, or one whose transaction the server ended
            # for idling, is left to the pool.
            with suppress(psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout):
                conn.execute("rollback")


@contextmanager
def read_as_user(
    connections: ConnectionPools, session_key: bytes
) -> Iterator[tuple[psycopg.Connection, User | None]]:
    """Open a read-only transaction that sees the rows of a session's user; yield it and the user.

    The user is None, and no row is visible, if the session is not in force or its user not active.
    """
    with transaction(connections) as conn:
        found = conn.execute(_IDENTIFY, [session_key]).fetchone()
        yield conn, _user(*found) if found else None


def assert_readable(connections: ConnectionPools) -> None:
    """Raise, as every page would, when nothing is published or another version's tables are."""
    with transaction(connections):
        pass


def _user(
    user_id: str, login: str, name: str, role: str, home_company_id: str, company_ids: list[str]
) -> User:
    return User(user_id, login, name, role, home_company_id, tuple(company_ids))
