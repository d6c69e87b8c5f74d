"""Tables of our own: made once, by whoever comes first, and without waiting for anybody after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from orchestration.ingest import raw_tables
from orchestration.ingest.whatsapp import store
from orchestration.postgres.database import Database, DatabaseError
from orchestration.postgres.made import create_once
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings


def settings(database: Database, home: Path, **options: str) -> Settings:
    url = psycopg.conninfo.make_conninfo(database.url, **options)
    return Settings(home=home, database_url=url)


def test_statements_are_executed_once_and_again_when_they_changed(database: Database) -> None:
    with database.connect() as conn:
        for _ in range(2):
            create_once(
                conn, "counter", "create table counter (n int); insert into counter values (1)"
            )
        assert conn.execute("select count(*) from counter").fetchone() == (1,)
        create_once(conn, "counter", "insert into counter values (2)")
        create_once(conn, "another", "insert into counter values (2)")
        assert conn.execute("select count(*) from counter").fetchone() == (3,)


def test_a_statement_that_fails_is_not_taken_for_made(database: Database) -> None:
    with database.connect() as conn:
        with pytest.raises(psycopg.errors.UndefinedTable):
            create_once(
                conn, "counter", "create table other (n int); insert into counter values (1)"
            )
        create_once(conn, "counter", "create table other (n int)")


def test_nobody_waits_for_a_backup_or_a_load(database: Database, tmp_path: Path) -> None:
    impatient = settings(database, tmp_path, options="-c lock_timeout=2s")
    with database.connect() as conn:
        open_database(impatient)
        raw_tables.create_raw_tables(conn)
        store.create_event_tables(conn)
        conn.commit()
        used = conn.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('raw', 'ops', 'history', 'access')"
        ).fetchall()
        for (table,) in used:
            conn.execute(f"lock table {table} in access share mode".encode())
        conn.execute("lock table raw.rejected_row, ops.delivery in row exclusive mode")
        again = open_database(impatient)
        with again.connect() as other:
            raw_tables.create_raw_tables(other)
            store.create_event_tables(other)


def test_many_may_start_at_once(database: Database, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        for opened in pool.map(open_database, [settings(database, tmp_path)] * 6):
            assert opened.url == database.url


def test_what_may_not_be_written_to_is_said(database: Database, tmp_path: Path) -> None:
    only_read = settings(database, tmp_path, options="-c default_transaction_read_only=on")
    with pytest.raises(DatabaseError, match=r"cannot execute .* in a read-only transaction"):
        open_database(only_read)
