"""Poolers: one that shares sessions is refused and left as it was, one per session works."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from pooler import PGBOUNCER, pgbouncer, pooled

from orchestration.errors import DatabaseError
from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings

REFUSED = "gives sessions to others between transactions: a direct or session-pooled connection"
# PgBouncer hands on the name of each client itself.
SET_IN_SESSION = (
    "select name from pg_settings where source = 'session' and name <> 'application_name'"
)
LEFT_BEHIND = """
select
    (select count(*) from pg_locks where locktype = 'advisory'),
    (
        select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and backend_type = 'client backend' and state <> 'idle'
    )
"""


def assert_nothing_is_left(database: Database) -> None:
    """Soon: the server notices the end of a client when it is done with its statement."""
    deadline = time.monotonic() + 10
    with psycopg.connect(database.url, autocommit=True) as conn:
        while (left := conn.execute(LEFT_BEHIND).fetchone()) != (0, 0):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def assert_refused(shared: Database, database: Database, tmp_path: Path) -> None:
    """Refused in one sentence, and the next client gets a session as the server gives it."""
    for _ in range(3):
        with pytest.raises(DatabaseError, match=REFUSED) as told:
            open_database(Settings(home=tmp_path, database_url=shared.url))
        assert len(str(told.value).splitlines()) == 1
    assert_nothing_is_left(database)
    with psycopg.connect(shared.url, autocommit=True) as conn:
        assert conn.execute(SET_IN_SESSION).fetchall() == []


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("others", [0, 1, 2, 5])
def test_a_pooler_of_transactions_is_refused(
    database: Database, tmp_path: Path, oldest_first: bool, others: int
) -> None:
    with pooled(database, per_transaction=True, oldest_first=oldest_first) as shared:
        # As many idle sessions, of clients that have left.
        clients = [psycopg.connect(shared.url) for _ in range(others)]
        for client in clients:
            client.execute("select 1")
        for client in clients:
            client.close()
        assert_refused(shared, database, tmp_path)


def test_a_pooler_of_sessions_is_used(database: Database, tmp_path: Path) -> None:
    with pooled(database, per_transaction=False) as shared:
        opened = open_database(Settings(home=tmp_path, database_url=shared.url))
        with opened.connect() as conn:
            assert conn.execute("show timezone").fetchone() == ("UTC",)


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
@pytest.mark.parametrize("round_robin", ["0", "1"])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_pgbouncer_per_transaction_is_refused(
    database: Database, tmp_path: Path, mode: str, round_robin: str
) -> None:
    with pgbouncer(database, tmp_path, pool_mode=mode, server_round_robin=round_robin) as shared:
        assert_refused(shared, database, tmp_path)


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_pgbouncer_per_session_is_used(database: Database, tmp_path: Path) -> None:
    with pgbouncer(database, tmp_path, pool_mode="session") as shared:
        opened = open_database(Settings(home=tmp_path, database_url=shared.url))
        with opened.connect() as one, opened.connect() as other:
            assert one.execute("show timezone").fetchone() == ("UTC",)
            one.execute("select pg_advisory_lock(1)")
            assert other.execute("select pg_try_advisory_lock(1)").fetchone() == (False,)
