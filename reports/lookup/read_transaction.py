"""Reading the published tables as somebody: one transaction, one state, their rows alone.

A publication renames schemas. A name is resolved by the newest catalogue, rows are chosen by the
transaction's snapshot: a rename between the two would show new, empty-looking tables. So a
transaction begins by locking one published table, which `publish` locks against it for the moment
of the swap. `lock table` takes no snapshot: whoever had to wait sees the state after the swap.
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
    """There are no published tables yet."""


class OtherEdition(Exception):
    """The published tables and the current edition's pages were not made together."""


@contextmanager
def transaction(connections: ConnectionPools) -> Iterator[psycopg.Connection]:
    """A read-only transaction as nobody: no row of a company is visible."""
    with connections.one() as conn:
        try:
            try:
                conn.execute(_BEGIN, prepare=False)
            except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable) as error:
                raise NothingPublished from error
            yield conn
        finally:
            # What the transaction set ends with it. A connection that broke is not repaired here,
            # nor one whose transaction the server ended for idling.
            with suppress(psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout):
                conn.execute("rollback")


@contextmanager
def read_as_user(
    connections: ConnectionPools, user_id: str
) -> Iterator[tuple[psycopg.Connection, User | None]]:
    """A read-only transaction in which that user's rows are visible, and who they are.

    The user is None, and no row of a company visible, when they are not there or not active.
    """
    with transaction(connections) as conn:
        found = conn.execute(_IDENTIFY, [user_id]).fetchone()
        yield conn, _user(*found) if found else None


def user_of_login(connections: ConnectionPools, login: str) -> User | None:
    """The active user with that login."""
    if "\0" in login:
        return None
    with transaction(connections) as conn:
        sought = conn.execute("select access.user_of_login(%s)", [login]).fetchone()
        if not sought or sought[0] is None:
            return None
        found = conn.execute(_IDENTIFY, [sought[0]]).fetchone()
        return _user(*found) if found else None


def _user(
    user_id: str, login: str, name: str, role: str, home_company_id: str, company_ids: list[str]
) -> User:
    return User(user_id, login, name, role, home_company_id, tuple(company_ids))
