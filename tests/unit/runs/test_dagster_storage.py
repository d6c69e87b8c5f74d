"""Dagster's kept connections: few, and a restart of the server is not noticed."""

from __future__ import annotations

import psycopg

from orchestration.postgres.database import Database
from orchestration.runs.dagster_storage import PooledStorage

BACKENDS = (
    "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and application_name <> 'atendimento'"
)


def counted(conn: psycopg.Connection, what: str) -> int:
    row = conn.execute(f"select count({what}) {BACKENDS}".encode()).fetchone()
    assert row
    return int(row[0])


def test_connections_are_kept_and_replaced_when_they_are_cut(database: Database) -> None:
    storage = PooledStorage(database.sqlalchemy_url("psycopg2"))
    with database.connect() as conn:
        conn.autocommit = True
        for _ in range(20):
            assert storage.run_storage.get_runs_count() == 0
        kept = conn.execute(f"select pid {BACKENDS}".encode()).fetchall()
        assert 1 <= len(kept) <= 3
        assert counted(conn, "pg_terminate_backend(pid)") == len(kept)
        assert storage.run_storage.get_runs_count() == 0
        assert list(storage.event_log_storage.all_asset_keys()) == []
    for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        part.dispose()
