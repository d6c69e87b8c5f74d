"""State made by an earlier version becomes this one's: migrations, in order, once each.

A migration meets an empty database too, before any table is made: it says `if exists`. What it did
stays; a mistake in one that was released is mended by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString, NamedTuple

import psycopg

from orchestration import VERSION
from orchestration.postgres.database import DatabaseError

_LOCK = 7_301_845_123  # any number; two programs must not migrate one database at once

_LEDGER = """
create schema if not exists ops;
create table if not exists ops.migration (
    name text primary key,
    applied_at timestamptz not null default clock_timestamp(),
    program text not null
);
comment on table ops.migration is
    'What made this state out of an earlier version''s, and each version that opened it first.';
"""


class MadeByNewer(DatabaseError, kind="DatabaseError"):
    """A newer version of the program has opened the database."""


class Migration(NamedTuple):
    """A name, which is never changed, and its statements; one transaction."""

    name: str
    statements: LiteralString


MIGRATIONS: tuple[Migration, ...] = ()
"""In the order in which they are applied. The tables of 0.1.0 and 0.2.0 only ever grew."""


def migrate(
    conn: psycopg.Connection,
    migrations: Sequence[Migration] = MIGRATIONS,
    version: str = VERSION,
) -> list[str]:
    """Apply what is not applied yet; the names. Safe to call at every start.

    Raises MadeByNewer, with nothing changed.
    """
    assert_not_newer(conn, version)
    if _known(conn) >= {version, *(one.name for one in migrations)}:
        return []
    conn.execute("select pg_advisory_lock(%s)", [_LOCK])
    conn.commit()
    try:
        assert_not_newer(conn, version)
        with conn.transaction():
            conn.execute(_LEDGER)
        known = _known(conn)
        due = [one for one in migrations if one.name not in known]
        for one in due:
            with conn.transaction():
                conn.execute(one.statements)
                _enter(conn, one.name, version)
        with conn.transaction():
            _enter(conn, version, version)
        return [one.name for one in due]
    finally:
        conn.rollback()
        conn.execute("select pg_advisory_unlock(%s)", [_LOCK])
        conn.commit()


def assert_not_newer(conn: psycopg.Connection, version: str = VERSION) -> None:
    """Raise MadeByNewer when a newer version has opened the database."""
    newest = max(opened_by_versions(conn), key=version_numbers, default=version)
    if version_numbers(newest) > version_numbers(version):
        raise MadeByNewer(
            f"The database was made by version {newest} of the program, and this is {version}. "
            f"Nothing was changed. Use {newest} or newer, or restore a backup of before "
            "(`atendimento restore`)."
        )


def opened_by_versions(conn: psycopg.Connection) -> set[str]:
    """The versions that have opened the database, as far as they said so (0.3.0 and newer do)."""
    if not _has_ledger(conn):
        return set()
    rows = conn.execute("select distinct program from ops.migration").fetchall()
    conn.commit()
    return {program for (program,) in rows}


def version_numbers(version: str) -> tuple[int, ...]:
    """A version as what it is compared by."""
    return tuple(int(part) for part in version.split("."))


def _known(conn: psycopg.Connection) -> set[str]:
    if not _has_ledger(conn):
        return set()
    rows = conn.execute("select name from ops.migration").fetchall()
    conn.commit()
    return {name for (name,) in rows}


def _has_ledger(conn: psycopg.Connection) -> bool:
    found = conn.execute("select to_regclass('ops.migration') is not null").fetchone()
    conn.commit()
    return found == (True,)


def _enter(conn: psycopg.Connection, name: str, version: str) -> None:
    conn.execute(
        "insert into ops.migration (name, program) values (%s, %s) on conflict do nothing",
        [name, version],
    )
