"""What is too old goes, what is needed stays: Dagster's runs, results, logs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from pipeline import environment
from tests_database import fresh_database

from orchestration.maintenance import retention
from orchestration.maintenance.retention import apply_retention, is_due
from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import export_environment, prepare_home
from orchestration.settings import Settings, load_settings
from tests.unit.reports.ops_tables import check, deliver, fail, publish, set_aside

RUN = dg.DagsterRunStatus
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class House:
    """A home, its database, and runs as old as a test needs them."""

    def __init__(self, settings: Settings, database: Database, instance: dg.DagsterInstance):
        self.settings, self.database, self.instance = settings, database, instance

    def made(self, status: dg.DagsterRunStatus, age: timedelta) -> str:
        """A run of that age, with an event and a folder of logs."""
        run_id = self.instance.create_run_for_job(a_job, status=status).run_id
        (self.settings.home / "dagster" / "storage" / run_id / "compute_logs").mkdir(parents=True)
        event = dg.EventLogEntry(
            error_info=None, level="info", user_message="", run_id=run_id, timestamp=time.time(),
            dagster_event=None,
        )  # fmt: skip
        self.instance.store_event(event)
        self.sql(
            "update dagster.runs set create_timestamp = %s where run_id = %s", NOW - age, run_id
        )
        return run_id

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What a statement finds."""
        with self.database.connect() as conn:
            found = conn.execute(statement, values)
            return found.fetchall() if found.description else []

    def tidy(self, **changes: object) -> retention.RetentionResult:
        """Tidy up with these settings."""
        settings = self.settings.model_copy(update=changes)
        return apply_retention(settings, self.database, self.instance)

    def there(self) -> set[str]:
        """The runs that Dagster knows."""
        return set(self.instance.get_run_ids())


@dg.op
def nothing() -> None: ...


@dg.job
def a_job() -> None:
    nothing()


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[House]:
    home = tmp_path_factory.mktemp("home")
    with (
        fresh_database(postgres, maintenance) as database,
        environment({"ATENDIMENTO_HOME": str(home)}),
    ):
        settings = load_settings(Path("/nonexistent/.env"))
        prepare_home(settings)
        export_environment(settings, database)
        with dg.DagsterInstance.get() as instance:
            yield House(settings, database, instance)


@pytest.fixture
def house(opened: House) -> Iterator[House]:
    yield opened
    for run_id in opened.there():
        opened.instance.delete_run(run_id)
    opened.sql(
        "truncate ops.check_result, ops.run_failure, ops.publication, ops.edition,"
        " ops.retention_run, ops.delivery, ops.delivery_file, raw.rejected_row"
    )


def test_runs_older_than_the_limit_go_with_events_and_logs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_ALWAYS_STAY", 1)
    old = {house.made(RUN.SUCCESS, 31 * DAY), house.made(RUN.FAILURE, 300 * DAY)}
    young = {house.made(RUN.SUCCESS, 29 * DAY), house.made(RUN.CANCELED, 0 * DAY)}
    tidied = house.tidy()
    assert (tidied.runs, tidied.log_folders) == (2, 2)
    assert house.there() == young
    events = {run_id for (run_id,) in house.sql("select run_id from dagster.event_logs")}
    assert events == young
    folders = {path.name for path in (house.settings.home / "dagster" / "storage").iterdir()}
    assert folders == young
    assert not old & house.there()
    assert house.tidy().runs == 0


def test_a_run_that_is_not_finished_stays_however_old(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_ALWAYS_STAY", 0)
    living = {
        house.made(status, 300 * DAY)
        for status in (RUN.NOT_STARTED, RUN.STARTING, RUN.STARTED, RUN.CANCELING)
    }
    house.made(RUN.SUCCESS, 300 * DAY)
    house.tidy(run_retention_count=1)
    assert house.there() == living


def test_the_newest_ten_stay_however_old(house: House) -> None:
    runs = [house.made(RUN.SUCCESS, age * DAY) for age in range(500, 488, -1)]
    house.tidy()
    assert house.there() == set(runs[2:])


def test_no_more_stay_than_are_wanted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 3)
    runs = [house.made(RUN.SUCCESS, timedelta(seconds=age)) for age in range(20, 0, -1)]
    assert house.tidy(run_retention_count=4).runs == 16
    assert house.there() == set(runs[-4:])


def test_results_go_with_age_and_what_says_why_stays(house: House) -> None:
    long_ago, lately = NOW - 91 * DAY, NOW - 89 * DAY
    with house.database.connect() as conn:
        for run_id, at in (("old", long_ago), ("young", lately)):
            check(conn, run_id, at, "a_check")
            fail(conn, f"failed-{run_id}", at, "why")
            deliver(conn, run_id, at)
        publish(conn, "published", NOW - 90 * DAY, 1)
        set_aside(conn, "agenda", "does_not_cast", 2)
        set_aside(conn, "reply", "unknown_reference", 3)
        conn.execute(
            "update raw.rejected_row set delivery_id ="
            " (select delivery_id from ops.delivery where run_id = 'old')"
        )
    house.tidy()
    assert house.sql("select run_id from ops.check_result") == [("young",)]
    assert house.sql("select run_id from ops.run_failure") == [("failed-young",)]
    assert house.sql("select distinct reason from raw.rejected_row") == [("unknown_reference",)]
    assert house.sql("select count(*) from ops.delivery") == [(2,)], "the ledger stays"


def test_a_failure_since_the_last_publication_stays_however_old(house: House) -> None:
    with house.database.connect() as conn:
        publish(conn, "published", NOW - 400 * DAY, 1)
        fail(conn, "failed", NOW - 399 * DAY, "why")
        check(conn, "published", NOW - 400 * DAY, "a_check")
    house.tidy()
    assert house.sql("select run_id from ops.run_failure") == [("failed",)]
    assert house.sql("select run_id from ops.check_result") == [("published",)]


def test_results_of_no_more_runs_stay_than_are_wanted(house: House) -> None:
    with house.database.connect() as conn:
        for number in range(5):
            check(conn, f"run-{number}", NOW - number * DAY, "a_check")
    house.tidy(run_retention_count=2)
    assert sorted(house.sql("select run_id from ops.check_result")) == [("run-0",), ("run-1",)]


def test_folders_of_killed_processes_go_after_a_day(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PROJECT", tmp_path)
    two_days_ago = time.time() - 2 * DAY.total_seconds()
    for name in ("target", "target.77", "target.88", "models"):
        (tmp_path / name).mkdir()
        if name != "target.88":
            os.utime(tmp_path / name, (two_days_ago, two_days_ago))
    assert house.tidy().left_over_folders == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "target", "target.88"]


def test_the_servers_log_is_shortened_when_it_is_large(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LOG_BYTES", 10)
    log = house.settings.home / "postgres.log"
    log.write_text("x" * 10)
    house.tidy()
    assert log.read_text() == "x" * 10
    log.write_text("x" * 11)
    house.tidy()
    assert log.read_text() == ""
    assert (house.settings.home / "postgres.log.1").read_text() == "x" * 11


def test_it_is_due_once_a_day_or_when_there_are_many(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def due(**changes: object) -> bool:
        with house.database.connect() as conn:
            settings = house.settings.model_copy(update=changes)
            return is_due(settings, conn, house.instance)

    assert due()
    house.tidy()
    assert not due()
    house.sql("update ops.retention_run set finished_at = clock_timestamp() - interval '25 hours'")
    assert due()
    house.tidy()
    monkeypatch.setattr(retention, "_SOME", 1)
    house.made(RUN.SUCCESS, 0 * DAY)
    house.made(RUN.SUCCESS, 0 * DAY)
    assert not due(run_retention_count=1)
    house.made(RUN.SUCCESS, 0 * DAY)
    assert due(run_retention_count=1)
