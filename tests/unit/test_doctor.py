"""`atendimento doctor`: each thing that may be wrong is named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestration import bookkeeping
from orchestration.database import Database
from orchestration.doctor import Line, examine
from orchestration.notify import alarms
from orchestration.notify.situations import Situation
from orchestration.settings import Settings

HOUR = timedelta(hours=1)


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=database.url)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """A state that is well: published, fresh, nothing failed, a daemon that lives."""
    now = datetime.now(UTC)
    with database.connect() as conn:
        conn.autocommit = True
        bookkeeping.prepare(conn)
        alarms.prepare(conn)
        conn.execute("create schema marts create table source_freshness (data_until timestamptz)")
        conn.execute("insert into marts.source_freshness values (%s)", [now - HOUR])
        conn.execute("create schema dagster create table daemon_heartbeats (timestamp timestamp)")
        conn.execute("insert into dagster.daemon_heartbeats values (%s at time zone 'UTC')", [now])
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values ('r1', %s, 'e1')", [now]
        )
        yield conn


def wrong(settings: Settings) -> dict[str, str]:
    """What is said to be wrong, but for the pages and space that a test has not."""
    lines = {line.what: line for line in examine(settings)}
    assert "home" in lines
    return {
        line.what: line.says
        for line in lines.values()
        if not line.well and line.what not in ("pages", "home", "publish folder")
    }


def line(settings: Settings, what: str) -> Line:
    return next(line for line in examine(settings) if line.what == what)


def test_nothing_is_wrong_with_what_is_well(settings: Settings, conn: psycopg.Connection) -> None:
    assert wrong(settings) == {}


def test_before_the_first_run_it_says_what_to_do(settings: Settings) -> None:
    assert wrong(settings) == {"publication": "no run has been made yet: `atendimento run`"}


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    away = Settings(home=tmp_path, database_url=f"postgresql://nobody@/none?host={tmp_path}")
    assert set(wrong(away)) == {"database"}


@pytest.mark.parametrize(
    ("statement", "what", "says"),
    [
        (
            "update marts.source_freshness set data_until = now() - interval '25 hours'",
            "data",
            "more than 24 hours",
        ),
        (
            "update dagster.daemon_heartbeats set timestamp = now() at time zone 'UTC'"
            " - interval '6 minutes'",
            "daemon",
            "no schedule or sensor works",
        ),
        (
            "insert into ops.run_failure (run_id, message) values ('r2', 'No space left.')",
            "failure",
            "No space left.",
        ),
        (
            "insert into ops.check_result (run_id, as_of, suite, check_name, blocking, passed,"
            " unexpected_count) values ('r1', now(), 'published', 'no_rows', true, false, 1)",
            "checks",
            "no_rows",
        ),
    ],
)
def test_what_is_wrong_is_named(
    settings: Settings, conn: psycopg.Connection, statement: str, what: str, says: str
) -> None:
    conn.execute(statement.encode())
    found = wrong(settings)
    assert set(found) == {what}
    assert says in found[what]


def test_alarms_and_channels_that_fail_are_named(
    settings: Settings, conn: psycopg.Connection
) -> None:
    alarms.keep(conn, [Situation("sending", "c1 account", datetime.now(UTC) - HOUR)])
    alarms.record_failure(conn, "webhook 1", "timed out")
    found = wrong(settings)
    assert set(found) == {"alarms", "notifications"}
    assert "sending c1 account since" in found["alarms"]
    assert "webhook 1 fails since" in found["notifications"]


def test_a_delivery_that_is_not_whole_is_pointed_to(
    settings: Settings, conn: psycopg.Connection
) -> None:
    folder = settings.watched / "terca"
    folder.mkdir(parents=True)
    (folder / "agenda.csv").write_text("agenda_id\n")
    manifest = {"files": [{"name": "agenda.csv", "bytes": 99}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "1 not complete (terca)" in line(settings, "inbox").says


def test_a_folder_that_may_not_be_written_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != settings.home)
    assert "cannot be written to" in line(settings, "home").says
