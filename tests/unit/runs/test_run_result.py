"""How a run ended, told for a person: also when Dagster or the machine ended it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import dagster as dg
import psycopg
import psycopg2
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import JobFailureData, RunFailureReason

from orchestration.errors import FAILED, STOPPED_BY_CHECK, UserError
from orchestration.ingest.errors import DeliveryRefused, SourceUnreadable
from orchestration.postgres.database import Database
from orchestration.publication.build import ChecksStopped
from orchestration.runs.bootstrap import RunInProgress
from orchestration.runs.failures import reported_failures, typed_failures
from orchestration.runs.run_result import RunResult, result_of_error, result_of_failed_run
from reports.editions import PublishError

NOWHERE = Database("postgresql://x@127.0.0.1:9/none")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    settings = {"run_monitoring": {"enabled": True, "start_timeout_seconds": 300}}
    with dg.DagsterInstance.ephemeral(settings=settings) as instance:
        yield instance


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def result_of_step(
    instance: dg.DagsterInstance, database: Database, error: BaseException, *, typed: bool = True
) -> RunResult:
    """The result of a run whose only step raises an error."""
    fail = failing(error)

    @dg.op
    def load() -> None:
        typed_failures(fail)() if typed else fail()

    @dg.job
    def daily() -> None:
        load()

    done = daily.execute_in_process(instance=instance, raise_on_error=False)
    return result_of_failed_run(instance, done.run_id, done.all_events, database)


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (DeliveryRefused("what it says"), "DeliveryRefused", FAILED),
        (SourceUnreadable("what it says"), "DeliveryRefused", FAILED),
        (ChecksStopped("what it says"), "ChecksStopped", STOPPED_BY_CHECK),
        (PublishError("what it says"), "PublishError", FAILED),
    ],
)
def test_a_step_that_fails_for_a_person_keeps_kind_exit_code_and_sentence(
    instance: dg.DagsterInstance, database: Database, error: Exception, kind: str, exit_code: int
) -> None:
    result = result_of_step(instance, database, error)
    assert (result.kind, result.exit_code, result.reason) == (kind, exit_code, "what it says")
    with pytest.raises(UserError, match="what it says") as raised:
        result.raise_if_failed()
    assert (raised.value.exit_code, raised.value.kind) == (exit_code, kind)


def test_a_resource_that_fails_for_a_person_keeps_its_sentence(
    instance: dg.DagsterInstance, database: Database
) -> None:
    @dg.resource
    def warehouse(context: dg.InitResourceContext) -> Iterator[str]:
        with reported_failures(context):
            raise RunInProgress("Another run is in progress.")
        yield ""

    @dg.op(required_resource_keys={"warehouse"})
    def load() -> None: ...

    @dg.job(resource_defs={"warehouse": warehouse})
    def daily() -> None:
        load()

    done = daily.execute_in_process(instance=instance, raise_on_error=False)
    result = result_of_failed_run(instance, done.run_id, done.all_events, database)
    assert (result.kind, result.reason) == ("RunInProgress", "Another run is in progress.")


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (psycopg.errors.DiskFull("secret"), "DiskFull", "Make room"),
        (psycopg.OperationalError("secret"), "DatabaseAway", "stopped or restarted"),
        (psycopg2.OperationalError("secret"), "DatabaseAway", "stopped or restarted"),
        (DagsterExecutionInterruptedError(), "RunStopped", "was stopped before its end"),
    ],
)
def test_what_the_database_or_a_signal_did_is_no_fault_of_the_program(
    instance: dg.DagsterInstance,
    database: Database,
    error: BaseException,
    kind: str,
    says: str,
    typed: bool,
) -> None:
    result = result_of_step(instance, database, error, typed=typed)
    assert (result.exit_code, result.kind) == (FAILED, kind)
    assert says in result.reason
    assert "secret" not in result.reason
    assert "It had not published" in result.reason


def test_a_server_that_stopped_is_told_from_its_sqlstate(
    instance: dg.DagsterInstance, database: Database
) -> None:
    assert result_of_step(instance, database, psycopg.errors.AdminShutdown()).kind == "DatabaseAway"
    # An error of ours, though PostgreSQL counts it among operational errors.
    assert result_of_step(instance, database, psycopg.errors.QueryCanceled()).kind == ""


@pytest.mark.parametrize(
    ("end", "kind", "says"),
    [
        ("start timeout", "RunNotStarted", "did not start within 300 seconds"),
        ("too long", "RunTooLong", "more than 7200 seconds"),
        ("died", "RunDied", "process died"),
    ],
)
def test_what_dagster_ends_is_told_from_the_types_of_its_events(
    instance: dg.DagsterInstance, database: Database, end: str, kind: str, says: str
) -> None:
    @dg.job
    def daily() -> None: ...

    run_id = str(uuid4())
    run = instance.create_run_for_job(
        daily, run_id=run_id, tags={"dagster/max_runtime": "7200"},
        status=dg.DagsterRunStatus.STARTING,
    )  # fmt: skip
    timeout = JobFailureData(error=None, failure_reason=RunFailureReason.START_TIMEOUT)
    if end != "start timeout":
        start = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "daily")
        instance.report_dagster_event(start, run_id)
    if end == "too long":
        instance.report_run_canceling(run)
    event = instance.report_run_failed(
        run, "In any words.", timeout if end == "start timeout" else None
    )
    result = result_of_failed_run(instance, run_id, [event], database)
    assert (result.exit_code, result.kind) == (FAILED, kind)
    assert says in result.reason
    with database.connect() as conn:
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values (%s, now(), 'e')",
            [run_id],
        )
    published = result_of_failed_run(instance, run_id, [event], database)
    assert "It had published before" in published.reason


def test_a_blocking_check_that_failed_stops_the_run(
    instance: dg.DagsterInstance, database: Database
) -> None:
    @dg.asset
    def agenda() -> None: ...

    @dg.asset_check(asset=agenda, blocking=True)
    def no_rows(context) -> dg.AssetCheckResult:
        with database.connect() as conn:
            conn.execute(
                "insert into ops.check_result (run_id, as_of, suite, check_name, blocking, passed,"
                " unexpected_count) values (%s, now(), 'loaded', 'no_rows', true, false, 7)",
                [context.run.run_id],
            )
        return dg.AssetCheckResult(passed=False)

    defs = dg.Definitions(assets=[agenda], asset_checks=[no_rows])
    job = defs.resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, raise_on_error=False)
    result = result_of_failed_run(instance, done.run_id, done.all_events, database)
    assert (result.exit_code, result.kind) == (STOPPED_BY_CHECK, "BlockingChecksFailed")
    assert "loaded.no_rows (7)" in result.reason


def test_a_sentence_for_a_person_stands_before_all_others(
    instance: dg.DagsterInstance, database: Database
) -> None:
    error = DeliveryRefused("what it says")
    error.__cause__ = psycopg.errors.DiskFull()
    assert result_of_step(instance, database, error).reason == "what it says"


def test_a_fault_of_the_program_is_called_one(
    instance: dg.DagsterInstance, database: Database
) -> None:
    result = result_of_step(instance, database, KeyError("x"))
    assert result.kind == ""
    assert "KeyError" in result.reason
    assert "fault of the program" in result.reason
    assert result_of_error("r", KeyError("x"), database) is None


def test_a_database_that_is_away_is_told_without_it(instance: dg.DagsterInstance) -> None:
    result = result_of_step(instance, NOWHERE, psycopg.OperationalError())
    assert result.kind == "DatabaseAway"
    assert "this run's or the one before" in result.reason
    of_error = result_of_error("r", psycopg.OperationalError(), NOWHERE)
    assert of_error
    assert of_error.kind == "DatabaseAway"
