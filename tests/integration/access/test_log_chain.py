"""The access log is a chain: whatever was changed or removed is seen, but by its retention."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from orchestration.access import log_chain
from orchestration.access.retention import delete_expired
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MIGRATIONS, migrate
from reports.lookup import audit_log

Owner = psycopg.Connection


@pytest.fixture
def owner(database: Database) -> Owner:
    """The owner's connection, who may switch off what keeps the log from being changed."""
    conn = database.connect()
    conn.autocommit = True
    return conn


def add(conn: Owner, count: int, at: str = "0 days") -> None:
    """Entries of that long ago."""
    for number in range(count):
        conn.execute(
            "insert into access.access_log (at, user_id, action, company_id, details)"
            " values (clock_timestamp() - %s::interval, 'U1', 'ficha_opened', 'C1', %s)",
            [at, Jsonb({"number": str(number)})],
        )


def tamper(conn: Owner, change: str) -> None:
    """Change the log as somebody does who owns the database."""
    conn.execute("alter table access.access_log disable trigger user")
    conn.execute(change.encode())
    conn.execute("alter table access.access_log enable trigger user")


def test_an_untouched_log_is_unbroken(owner: Owner) -> None:
    assert log_chain.verify(owner) == log_chain.LogChain(0, 0, "", None)
    add(owner, 5)
    audit_log.record_action(owner, "account_set", None, company_id='"', operator="é\\")
    chain = log_chain.verify(owner)
    assert (chain.entries, chain.last_id, len(chain.last_hash), chain.fault) == (6, 6, 64, None)


@pytest.mark.parametrize(
    "change",
    [
        "delete from access.access_log where log_id = 4",
        "delete from access.access_log where log_id <= 4",
        "delete from access.access_log where log_id >= 4",
        "delete from access.access_log where log_id = 10",
        "delete from access.access_log",
        "truncate access.access_log",
        "update access.access_log set user_id = 'U2' where log_id = 4",
        "update access.access_log set user_id = null where log_id = 4",
        "update access.access_log set action = 'signed_out' where log_id = 10",
        "update access.access_log set at = at + interval '1 microsecond' where log_id = 4",
        "update access.access_log set details = '{}' where log_id = 4",
        "update access.access_log set company_id = user_id, user_id = company_id where log_id = 4",
        "update access.access_log set log_id = 11 where log_id = 4",
        "insert into access.access_log (log_id, action, hash) values (11, 'signed_in', '')",
        "insert into access.access_log (log_id, at, user_id, action, company_id, details, hash)"
        " select 0, at, user_id, action, company_id, details, hash from access.access_log"
        " where log_id = 4",
    ],
)
@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "after retention"])
def test_what_was_changed_or_removed_is_seen(owner: Owner, change: str, is_cut: bool) -> None:
    add(owner, 3, "400 days")
    add(owner, 6)
    if is_cut:
        delete_expired(owner, 365)  # the tenth entry tells it
        assert owner.execute("select min(log_id) from access.access_log").fetchone() == (4,)
    else:
        add(owner, 1)
    assert log_chain.verify(owner).fault is None
    tamper(owner, change)
    assert log_chain.verify(owner).fault


def test_retention_cuts_the_oldest_and_says_what_it_cut(owner: Owner) -> None:
    add(owner, 2, "400 days")
    add(owner, 1, "10 days")
    # Written by a clock that was set back: it stays until all before it may go.
    add(owner, 1, "400 days")
    add(owner, 1)
    for _ in range(2):  # the second has nothing to cut
        delete_expired(owner, 365)
    rows = owner.execute("select log_id, action, details from access.access_log order by 1")
    found = rows.fetchall()
    assert [(log_id, action) for log_id, action, _ in found] == [
        (3, "ficha_opened"),
        (4, "ficha_opened"),
        (5, "ficha_opened"),
        (6, "entries_expired"),
    ]
    assert found[-1][2]["rows"] == "2"
    assert found[-1][2]["until"] == "2"
    assert log_chain.verify(owner).fault is None
    for days in (5, 0):
        delete_expired(owner, days)
        add(owner, 1)
        assert log_chain.verify(owner).fault is None
    left = owner.execute("select action from access.access_log order by log_id").fetchall()
    assert left == [("entries_expired",), ("ficha_opened",)]


def test_many_may_write_at_once_and_some_give_up(database: Database, owner: Owner) -> None:
    started = threading.Barrier(8)

    def write(number: int) -> None:
        started.wait()
        with database.connect() as conn:
            for turn in range(20):
                with conn.transaction(force_rollback=turn % 5 == number % 5):
                    audit_log.record_action(conn, "searched", f"U{number}", found=str(turn))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    chain = log_chain.verify(owner)
    assert (chain.entries, chain.fault) == (8 * 16, None)
    assert owner.execute("select count(distinct log_id), max(log_id) from access.access_log"
                         ).fetchone() == (chain.entries, chain.entries)  # fmt: skip


def test_nobody_chains_by_an_old_snapshot(database: Database, owner: Owner) -> None:
    """A session under another isolation level fails, instead of forking the chain."""
    with database.connect() as conn:
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("select count(*) from access.access_log")
        add(owner, 1)
        with pytest.raises(psycopg.errors.SerializationFailure):
            add(conn, 1)
    assert log_chain.verify(owner).fault is None


def test_entries_from_before_the_chain_are_chained(
    empty_database: Database, tmp_path: Path
) -> None:
    for path in MIGRATIONS.glob("000[1-3]_*"):
        shutil.copy(path, tmp_path)
    with empty_database.connect() as conn:
        migrate(conn, folder=tmp_path)
        conn.execute(
            "insert into access.access_log (at, action, details)"
            " select now() - n * interval '1 day', 'searched', '{}' from generate_series(1, 5) as n"
        )
        conn.execute("insert into access.access_log (action) values ('signed_out')")
        conn.execute("set local atendimento.retention = 'on'")
        conn.execute("delete from access.access_log where log_id = 3")  # as a number never used
        conn.commit()
        migrate(conn)
        conn.autocommit = True
        assert log_chain.verify(conn)._replace(last_hash="") == (5, 6, "", None)
        add(conn, 1)
        assert log_chain.verify(conn)._replace(last_hash="") == (6, 7, "", None)
        tamper(conn, "update access.access_log set action = 'x' where log_id = 2")
        assert log_chain.verify(conn).fault
