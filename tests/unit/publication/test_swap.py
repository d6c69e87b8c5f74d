"""The swap: whole or not at all, with the edition before it and the day's history."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from hostile_defaults import with_hostile_options

from orchestration.postgres.database import Database
from orchestration.publication import swap as publication_swap
from orchestration.publication.swap import PublicationError, swap_schemas

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)


def build_next(conn: psycopg.Connection, as_of: datetime, count: int, bucket: str = "sent") -> None:
    conn.execute("create schema marts_next")
    conn.execute("create table marts_next.company (company_id text, as_of timestamptz)")
    conn.execute("insert into marts_next.company values ('c', %s)", [as_of])
    conn.execute(
        "create table marts_next.totalizer (company_id text, contact_date date, totalizer text,"
        " bucket text, agenda_count bigint, as_of timestamptz)"
    )
    conn.execute(
        "insert into marts_next.totalizer values ('c', '2026-11-20', 'active', %s, %s, %s),"
        " ('c', '2026-11-21', 'active', %s, 1, %s)",
        [bucket, count, as_of, bucket, as_of],
    )


def swap(
    conn: psycopg.Connection,
    as_of: datetime,
    expected: tuple[str, ...] = ("company", "totalizer"),
    *,
    keep_history: bool = False,
) -> None:
    swap_schemas(
        conn,
        run_id="run",
        as_of=as_of,
        group_timezone="America/Sao_Paulo",
        edition="edition",
        expected=expected,
        keep_history=keep_history,
    )


def history(conn: psycopg.Connection) -> list[tuple[str, str, int]]:
    rows = conn.execute(
        "select snapshot_date::text, bucket, agenda_count from history.totalizer_history"
        " order by 1, 2"
    )
    return list(rows)


@pytest.mark.parametrize(("application", "waits"), [("pg_dump", True), ("somebody", False)])
def test_it_waits_as_long_as_a_backup_dumps_and_for_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch, application: str, waits: bool
) -> None:
    monkeypatch.setattr(publication_swap, "_TURNS", 2)
    monkeypatch.setattr(publication_swap, "_TURN_SECONDS", 0.05)
    with database.connect() as conn, database.connect(application=application) as reader:
        build_next(conn, NOON, 1)
        swap(conn, NOON)
        build_next(conn, NOON, 2)
        conn.commit()
        reader.execute("lock table marts.company in access share mode")
        ended = threading.Timer(2, reader.rollback)
        ended.start()
        if waits:
            swap(conn, NOON)
        else:
            with pytest.raises(PublicationError, match="read or locked by one transaction"):
                swap(conn, NOON)
        ended.join()


def test_it_goes_on_without_the_lock_time_out_that_is_a_default(database: Database) -> None:
    with with_hostile_options(database).connect() as conn:
        build_next(conn, NOON, 1)
        swap(conn, NOON)
        build_next(conn, NOON, 2)
        with conn.transaction():
            swap(conn, NOON)
            assert conn.execute("show lock_timeout").fetchone() == ("0",)


def test_what_was_published_stays_as_the_edition_before(database: Database) -> None:
    with database.connect() as conn:
        for count in (1, 2, 3):
            build_next(conn, NOON, count)
            swap(conn, NOON)
        for schema, total in (("marts", 4), ("marts_previous", 3)):
            row = conn.execute(f"select sum(agenda_count) from {schema}.totalizer").fetchone()
            assert row == (total,)
        assert conn.execute("select to_regnamespace('marts_next')").fetchone() == (None,)


def test_a_later_run_of_the_day_replaces_the_set_of_that_day_only(database: Database) -> None:
    late = datetime(2026, 11, 21, 2, 59, 59, tzinfo=UTC)  # still the 20th in São Paulo
    next_day = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    with database.connect() as conn:
        for as_of, bucket in ((NOON, "sent"), (late, "other"), (next_day, "sent")):
            build_next(conn, as_of, 1, bucket)
            swap(conn, as_of)
        assert history(conn) == [("2026-11-20", "other", 2), ("2026-11-21", "sent", 2)]


def test_publishing_anew_after_an_erasure_leaves_what_was_counted(database: Database) -> None:
    with database.connect() as conn:
        build_next(conn, NOON, 5)
        swap(conn, NOON)
        counted = history(conn)
        build_next(conn, NOON, 3, bucket="opted_out")
        swap(conn, NOON, keep_history=True)
        assert history(conn) == counted


def test_an_incomplete_build_is_not_published(database: Database) -> None:
    with database.connect() as conn:
        build_next(conn, NOON, 1)
        swap(conn, NOON)
        build_next(conn, NOON, 9)
        with pytest.raises(PublicationError, match="call_list missing"):
            swap(conn, NOON, ("company", "call_list"))
        assert conn.execute("select sum(agenda_count) from marts.totalizer").fetchone() == (2,)
        assert history(conn) == [("2026-11-20", "sent", 2)]


def test_a_build_for_another_instant_is_not_published(database: Database) -> None:
    with database.connect() as conn:
        build_next(conn, NOON, 1)
        with pytest.raises(PublicationError, match="build again"):
            swap(conn, NOON.replace(hour=16))
        assert conn.execute("select count(*) from ops.publication").fetchone() == (0,)


def test_what_fails_at_the_last_act_undoes_the_swap(database: Database) -> None:
    def fail() -> None:
        raise OSError("no space")

    with database.connect() as conn:
        build_next(conn, NOON, 1)
        swap(conn, NOON)
        build_next(conn, NOON, 5)
        with pytest.raises(OSError, match="no space"):
            swap_schemas(
                conn,
                run_id="run",
                as_of=NOON,
                group_timezone="America/Sao_Paulo",
                edition="edition",
                expected=("company",),
                before_commit=fail,
            )
        assert conn.execute("select sum(agenda_count) from marts.totalizer").fetchone() == (2,)
        assert history(conn) == [("2026-11-20", "sent", 2)]
