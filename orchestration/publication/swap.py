"""Publishes `marts_next` by renaming schemas in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime

import psycopg
from psycopg import sql

from orchestration import VERSION
from orchestration.access import rights
from orchestration.errors import UserError
from orchestration.postgres.zones import local_date

_TURNS = 600
_TURN_SECONDS = 0.25


class PublicationError(UserError):
    """There is no complete build to publish; the published state is unchanged."""


def swap_schemas(
    conn: psycopg.Connection,
    *,
    run_id: str,
    as_of: datetime,
    group_timezone: str,
    edition: str,
    expected: Collection[str],
    keep_history: bool = False,
    before_commit: Callable[[], object] = lambda: None,
) -> None:
    """Publish `marts_next` as `marts`; the former `marts` becomes `marts_previous`.

    Args:
        conn: A connection without an open transaction.
        run_id: Id of the run.
        as_of: The time for which `marts_next` was computed.
        group_timezone: The group's time zone, which decides the day of the history.
        edition: Name of the edition with the run's pages.
        expected: Tables that `marts_next` must contain.
        keep_history: Leave the day's rows of `totalizer_history` (section 4) as they are, since
            this publishes again what was published before.
        before_commit: Called last in the transaction; an exception rolls the swap back.

    Raises:
        PublicationError: An expected table is missing or was computed for another `as_of`, or a
            reader holds its lock for minutes.
    """
    with conn.transaction():
        # Earlier transactions can be repeated after a crash of the machine; this one cannot.
        conn.execute("set local synchronous_commit = on")
        _assert_complete(conn, as_of, expected)
        if not keep_history:
            record_history(conn, local_date(conn, as_of, group_timezone))
        conn.execute("drop schema if exists marts_previous cascade")
        if _schema_exists(conn, "marts"):
            _wait_for_readers(conn)
            conn.execute("alter schema marts rename to marts_previous")
        conn.execute("alter schema marts_next rename to marts")
        # The lookup page reads it to check that it knows these tables.
        conn.execute(sql.SQL("comment on schema marts is {}").format(sql.Literal(VERSION)))
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition, active_agendas)"
            " select %s, %s, %s, coalesce(sum(agenda_count), 0)"
            " from marts.totalizer where totalizer = 'active'",
            [run_id, as_of, edition],
        )
        rights.grant_rights(conn)
        before_commit()


def published_by(conn: psycopg.Connection) -> str | None:
    """Return the version of the program that published `marts`, or None when there is none.

    Versions before 0.3.0 did not record theirs; for them it is empty.
    """
    row = conn.execute(
        "select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace"
        " where nspname = 'marts'"
    ).fetchone()
    return row[0] if row else None


def _wait_for_readers(conn: psycopg.Connection) -> None:
    """Lock the table that each reader locks first (`reports/lookup/read_transaction.py`).

    A rename during a read would resolve names to tables that the snapshot cannot see. The lock is
    requested in short turns, so that new readers do not queue behind a long one. Time during which
    a backup runs does not count.
    """
    turns = 0
    while turns < _TURNS:
        try:
            with conn.transaction():
                conn.execute(f"set local lock_timeout = '{_TURN_SECONDS}s'")
                conn.execute("lock table marts.company in access exclusive mode")
        except psycopg.errors.LockNotAvailable:
            time.sleep(_TURN_SECONDS)
            turns += not _is_dumped(conn)
        else:
            conn.execute("set local lock_timeout = 0")
            return
    raise PublicationError(
        "marts.company has been read or locked by one transaction for minutes (pg_stat_activity "
        "names it): end it and run again. The published state is as it was."
    )


def _is_dumped(conn: psycopg.Connection) -> bool:
    """Whether a backup is reading `marts`."""
    row = conn.execute(
        "select exists (select from pg_locks inner join pg_stat_activity using (pid)"
        " where relation = 'marts.company'::regclass and granted"
        " and application_name in ('atendimento backup', 'pg_dump'))"
    ).fetchone()
    return row == (True,)


def _assert_complete(conn: psycopg.Connection, as_of: datetime, expected: Collection[str]) -> None:
    there = {
        name
        for (name,) in conn.execute(
            "select relname from pg_class where relnamespace = to_regnamespace('marts_next')"
            " and relkind in ('r', 'v')"
        )
    }
    missing = sorted(set(expected) - there)
    if missing:
        raise PublicationError(
            f"marts_next is not complete ({', '.join(missing)} missing): build all models first. "
            "The published state is as it was."
        )
    for table, built_for in _instants(conn):
        if built_for != as_of:
            raise PublicationError(
                f"marts_next.{table} was built as of {built_for}, this run is as of {as_of}: build "
                "again. The published state is as it was."
            )


def _instants(conn: psycopg.Connection) -> Iterator[tuple[str, datetime]]:
    """Yield each table's `as_of`, read from one row, since a table is built in one statement."""
    tables = conn.execute(
        "select relname from pg_class inner join pg_attribute on attrelid = pg_class.oid"
        " where relnamespace = 'marts_next'::regnamespace and relkind = 'r' and attname = 'as_of'"
    ).fetchall()
    for (table,) in tables:
        first = sql.SQL("select as_of from {} limit 1").format(sql.Identifier("marts_next", table))
        for (built_for,) in conn.execute(first):
            yield table, built_for


def record_history(conn: psycopg.Connection, snapshot_date: date) -> None:
    """Replace the day's rows of `totalizer_history` with the counts in `marts_next`.

    The day no longer counts as backfilled.
    """
    conn.execute("delete from ops.backfill_day where snapshot_date = %s", [snapshot_date])
    conn.execute("delete from history.totalizer_history where snapshot_date = %s", [snapshot_date])
    conn.execute(
        """
        insert into history.totalizer_history
            (company_id, snapshot_date, totalizer, bucket, agenda_count, as_of)
        select company_id, %s, totalizer, bucket, sum(agenda_count), max(as_of)
        from marts_next.totalizer
        group by company_id, totalizer, bucket
        """,
        [snapshot_date],
    )


def _schema_exists(conn: psycopg.Connection, schema: str) -> bool:
    found = conn.execute("select to_regnamespace(%s) is not null", [schema]).fetchone()
    return found is not None and bool(found[0])
