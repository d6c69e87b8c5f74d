"""`atendimento doctor`: each thing that may be wrong is named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg import sql

from orchestration.monitoring.doctor import DoctorCheck, run_checks
from orchestration.notifications import alarms
from orchestration.notifications.channels import configured_channels
from orchestration.notifications.conditions import AlarmCondition, ConditionReport
from orchestration.postgres.database import Database
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
        conn.execute("create schema marts create table source_freshness (data_until timestamptz)")
        conn.execute("insert into marts.source_freshness values (%s)", [now - HOUR])
        conn.execute("create table marts.company as select 'c1' as company_id, 'Um' as name")
        conn.execute("create table dagster.daemon_heartbeats (timestamp timestamp)")
        conn.execute("insert into dagster.daemon_heartbeats values (%s at time zone 'UTC')", [now])
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values ('r1', %s, 'e1')", [now]
        )
        yield conn


def wrong(settings: Settings) -> dict[str, str]:
    """What is said to be wrong, but for the pages and space that a test has not."""
    lines = {line.what: line for line in run_checks(settings)}
    assert "home" in lines
    return {
        line.what: line.says
        for line in lines.values()
        if not line.well and line.what not in ("pages", "home", "publish folder")
    }


def line(settings: Settings, what: str) -> DoctorCheck:
    return next(line for line in run_checks(settings) if line.what == what)


def test_nothing_is_wrong_with_what_is_well(settings: Settings, conn: psycopg.Connection) -> None:
    assert wrong(settings) == {}


def test_before_the_first_run_it_says_what_to_do(
    settings: Settings, empty_database: Database
) -> None:
    empty = settings.model_copy(update={"database_url": empty_database.url})
    assert wrong(empty) == {"publication": "no run has been made yet: `atendimento run`"}


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    away = Settings(home=tmp_path, database_url=f"postgresql://nobody@/none?host={tmp_path}")
    assert set(wrong(away)) == {"database"}


@pytest.mark.parametrize(
    ("statement", "what", "says"),
    [
        (
            "update marts.source_freshness set data_until = now() - interval '25 hours'",
            "data",
            "too old for the group (limit 24 hours)",
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


@pytest.mark.parametrize(
    "statement",
    [
        "insert into ops.run_failure (run_id, message, kind)"
        " values ('r2', 'Another run is in progress', 'RunInProgress')",
        "insert into ops.run_failure (run_id, message) values ('r1', 'It had published before.')",
    ],
)
def test_what_left_nothing_undone_is_no_failure(
    settings: Settings, conn: psycopg.Connection, statement: str
) -> None:
    conn.execute(statement.encode())
    assert wrong(settings) == {}


def test_a_check_that_warns_is_told_and_not_wrong(
    settings: Settings, conn: psycopg.Connection
) -> None:
    conn.execute(
        "insert into ops.check_result (run_id, as_of, suite, check_name, blocking, passed,"
        " unexpected_count) values ('r1', now(), 'published', 'few_phones', false, false, 1)"
    )
    found = line(settings, "checks")
    assert found.well
    assert found.says == "warned in the last run: few_phones"


def test_a_company_has_a_limit_of_its_own(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("insert into marts.company values ('c2', 'Dois')")
    own = {"c1": 0.5, "c2": 48.0}
    limited = settings.model_copy(update={"stale_hours_by_company": own})
    assert wrong(limited)["data"].endswith("too old for c1 (limit 0.5 hours)")


def test_published_tables_that_are_missing(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("drop schema marts cascade")
    assert set(wrong(settings)) == {"published tables"}


def test_a_state_that_a_newer_program_opened(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("update ops.migration set program = '999.0.0'")
    found = wrong(settings)
    assert set(found) == {"state"}
    assert "999.0.0" in found["state"]


def test_published_tables_of_an_older_version(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("alter table marts.source_freshness rename data_until to until")
    assert set(wrong(settings)) == {"published tables"}


def test_a_state_of_an_older_version(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("update ops.alembic_version set version_num = '0001'")
    assert set(wrong(settings)) == {"state"}


def test_a_source_that_is_a_database_is_tried(database: Database, settings: Settings) -> None:
    nowhere = "postgresql://crm:s3cret@127.0.0.1:9/crm?schema=crm"
    found = line(settings.model_copy(update={"source": nowhere}), "source")
    assert not found.well
    assert "127.0.0.1/crm" in found.says
    assert "s3cret" not in found.says
    columns = "updated_at, company_id, event_type_id, origin, contact_date, created_at"
    with database.connect() as conn:
        conn.execute("create table public.agenda (agenda_id text)")
    parts = database.parts
    url = f"postgresql://{parts.pop('user')}@/{parts.pop('dbname')}?{urlencode(parts)}"
    there = settings.model_copy(update={"source": url})
    assert line(there, "source").says.endswith(f"the required columns {columns} are missing.")
    with database.connect() as conn:
        for column in columns.split(", "):
            conn.execute(f"alter table agenda add {column} text".encode())
    assert line(there, "source").well


def test_a_run_on_another_database_is_not_ours(
    database: Database, settings: Settings, conn: psycopg.Connection
) -> None:
    with database.named("postgres").connect(application="atendimento run lock"):
        assert line(settings, "run").says == "none in progress"
    with database.connect(application="atendimento run lock"):
        assert line(settings, "run").says.startswith("in progress since 2")


def test_a_server_that_logs_rows_is_seen(
    settings: Settings, conn: psycopg.Connection, maintenance: psycopg.Connection
) -> None:
    name = sql.Identifier(conn.info.dbname)
    for setting, value, others in (
        ("log_error_verbosity", "default", "terse"),
        ("log_min_error_statement", "error", "panic"),
    ):
        change = sql.SQL("alter database {} set {} = {}")
        maintenance.execute(change.format(name, sql.Identifier(setting), sql.Literal(value)))
        assert wrong(settings) == {
            "server log": f"may hold names and phones: `alter database … set` {setting} = {others}"
        }
        maintenance.execute(change.format(name, sql.Identifier(setting), sql.Literal(others)))
        assert wrong(settings) == {}


def test_tidying_that_fails_is_seen(settings: Settings, conn: psycopg.Connection) -> None:
    conn.execute("insert into ops.retention_run (finished_at) values (now() - interval '3 days')")
    assert set(wrong(settings)) == {"cleanup"}


def test_alarms_and_channels_that_fail_are_named(
    settings: Settings, conn: psycopg.Connection
) -> None:
    sending = AlarmCondition("sending", "c1 account", datetime.now(UTC) - HOUR)
    alarms.update_alarms(conn, ConditionReport(frozenset({"sending"}), (sending,)))
    told = Settings(**{**settings.model_dump(), "notify_webhooks": "https://chat.example/s3cret"})
    (channel,) = configured_channels(told)
    alarms.record_result(conn, channel.key, alarms.pending_for(conn, channel.key), "timed out")
    found = wrong(told)
    assert set(found) == {"alarms", "notifications"}
    assert "sending c1 account since" in found["alarms"]
    assert "webhook chat.example fails since" in found["notifications"]
    assert set(wrong(settings)) == {"alarms"}  # taken out of the settings


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
