"""Dagster's storage: its tables whole whatever was killed, its connections few and replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, event

from orchestration.postgres.database import Database
from orchestration.runs.dagster_storage import PooledStorage

BACKENDS = (
    "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and application_name <> 'atendimento'"
)


class Killed(BaseException):
    """As a process that is killed: nothing catches it."""


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """Raise Killed at the n-th statement of SQLAlchemy; yields the statements before it."""
    sent: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if len(sent) == number:
            raise Killed
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def opened(kind: type[DagsterPostgresStorage], database: Database) -> None:
    storage = kind(database.sqlalchemy_url("psycopg2"))
    try:
        assert storage.run_storage.get_runs_count() == 0
        assert list(storage.event_log_storage.all_asset_keys()) == []
        assert list(storage.schedule_storage.all_instigator_state()) == []
    finally:
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
            part._engine.dispose()  # type: ignore[attr-defined]


def catalogue(database: Database) -> set[tuple[object, ...]]:
    """Every column, index and constraint, and the data migrations that are done."""
    with database.connect() as conn:
        conn.execute("set search_path to dagster")
        return set(
            conn.execute(
                """
                select 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod)
                from pg_attribute join pg_class as c on c.oid = attrelid
                where relnamespace = 'dagster'::regnamespace and relkind = 'r' and attnum > 0
                union all select 'index', tablename, indexname, indexdef from pg_indexes
                where schemaname = 'dagster'
                union all select 'constraint', conrelid::regclass::text, conname,
                    pg_get_constraintdef(oid)
                from pg_constraint where connamespace = 'dagster'::regnamespace
                union all select 'done', name, '', '' from secondary_indexes
                union all select 'revision', version_num, '', '' from alembic_version
                """
            ).fetchall()
        )


@pytest.fixture
def whole(database: Database) -> set[tuple[object, ...]]:
    """What dagster-postgres itself creates when nothing comes between."""
    opened(DagsterPostgresStorage, database)
    found = catalogue(database)
    empty(database)
    return found


def empty(database: Database) -> None:
    with database.connect() as conn:
        conn.execute("drop schema dagster cascade")
        conn.execute("create schema dagster")


@pytest.mark.parametrize(
    ("kind", "every"),
    [
        (DagsterPostgresStorage, 37),
        (PooledStorage, 61),
        pytest.param(DagsterPostgresStorage, 1, marks=pytest.mark.proof),
        pytest.param(PooledStorage, 1, marks=pytest.mark.proof),
    ],
)
def test_tables_that_a_killed_process_left_are_completed(
    database: Database,
    whole: set[tuple[object, ...]],
    kind: type[DagsterPostgresStorage],
    every: int,
) -> None:
    """Killed at each statement of dagster-postgres, as in 0.3.0, or of our own."""
    number, points = every // 2, 0
    while True:
        try:
            with killed_at(number) as sent:
                opened(kind, database)
        except Killed:
            opened(PooledStorage, database)
            assert catalogue(database) == whole, number
            empty(database)
            number += every
            points += 1
        else:
            break
    print(f"\n{kind.__name__}: killed at {points} of {len(sent)} statements")
    assert points >= len(sent) // every > 0


def test_connections_are_kept_and_replaced_when_they_are_cut(database: Database) -> None:
    opened(PooledStorage, database)
    storage = PooledStorage(database.sqlalchemy_url("psycopg2"))
    with database.connect() as conn:
        conn.autocommit = True
        for _ in range(20):
            assert storage.run_storage.get_runs_count() == 0
        for _ in range(50):  # a backend stays for a moment after its client has gone
            kept = conn.execute(f"select pid {BACKENDS}".encode()).fetchall()
            if len(kept) <= 3:
                break
            time.sleep(0.1)
        assert 1 <= len(kept) <= 3
        assert counted(conn, "pg_terminate_backend(pid)") == len(kept)
        assert storage.run_storage.get_runs_count() == 0
        assert list(storage.event_log_storage.all_asset_keys()) == []
    for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        part.dispose()


def counted(conn: psycopg.Connection, what: str) -> int:
    row = conn.execute(f"select count({what}) {BACKENDS}".encode()).fetchone()
    assert row
    return int(row[0])
