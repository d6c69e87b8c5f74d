"""How a run of the job ended: an exit code, and one sentence for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import psycopg
from dagster._core.events import JobFailureData, RunFailureReason

from orchestration.errors import (
    FAILED,
    STOPPED_BY_CHECK,
    WRONG_USAGE,
    CheckFailed,
    DatabaseError,
    UsageError,
    UserError,
)
from orchestration.postgres.database import Database
from orchestration.runs.failed_checks import failed_checks
from orchestration.runs.failures import (
    DATABASE_AWAY,
    DISK_FULL,
    RUN_DIED,
    RUN_NOT_STARTED,
    RUN_STOPPED,
    RUN_TOO_LONG,
    Failure,
    external_cause,
    failure_in,
)

BLOCKING_CHECKS_FAILED = "BlockingChecksFailed"

_FAULT_OF_OURS = (
    "That is a fault of the program, not of the delivery. Run again; if it fails again, report the "
    "lines above."
)
_AS_IT_WAS = "It had not published; the published state is as it was."
_STANDS = "It had published before; what is published stands."

# What the database, the machine or Dagster did to a run.
_SENTENCES = {
    RUN_TOO_LONG: "The run was ended, since it took more than {seconds} seconds "
    "(max_runtime_seconds in deploy/dagster.yaml). {published} Look at what the machine and the "
    "database were doing, then run again.",
    RUN_NOT_STARTED: "The run did not start within {seconds} seconds: its process could not be "
    "started, or the machine had too much to do. {published} Run again.",
    RUN_DIED: "The run's process died: it was killed, ran out of memory, or its machine stopped. "
    "{published} Run again.",
    RUN_STOPPED: "The run was stopped before its end. {published} Run again.",
    DISK_FULL: "The disk of the database is full. {published} Make room there, then run again.",
    DATABASE_AWAY: "The database ended the connection: it was stopped or restarted, or could not "
    "be reached any more. {published} Run again once it answers (`atendimento doctor`).",
}
EXTERNAL_KINDS = frozenset(_SENTENCES)
_REASONS = {
    RunFailureReason.START_TIMEOUT: RUN_NOT_STARTED,
    RunFailureReason.UNEXPECTED_TERMINATION: RUN_STOPPED,
    RunFailureReason.RUN_WORKER_RESTART: RUN_DIED,
}
# Dagster's own storage fails inside a step, between two results of an asset: of that error an event
# keeps nothing but the name and the text.
_STORAGE_ERRORS = {
    "DiskFull": DISK_FULL,
    "OperationalError": DATABASE_AWAY,
    "InterfaceError": DATABASE_AWAY,
    "DagsterPostgresException": DATABASE_AWAY,
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: its exit code, its id and, unless published, why.

    `kind` says which failure it was (`orchestration/runs/failures.py`); it is empty for an error of
    the program, whose reason is a trace.
    """

    exit_code: int
    run_id: str
    reason: str = ""
    kind: str = ""

    def raise_if_failed(self) -> None:
        """Raise the UserError that ends a command with the exit code of the run."""
        if not self.exit_code:
            return
        classes: dict[int, type[UserError]] = {
            STOPPED_BY_CHECK: CheckFailed,
            WRONG_USAGE: UsageError,
        }
        stopped = self.exit_code == STOPPED_BY_CHECK
        error = classes.get(self.exit_code, UserError)(
            f"Not published: {self.reason} Published state unchanged." if stopped else self.reason
        )
        error.kind = self.kind
        raise error


def result_of_failed_run(
    instance: dg.DagsterInstance,
    run_id: str,
    events: Iterable[dg.DagsterEvent],
    database: Database,
) -> RunResult:
    """Read how a failed run ended from the types and the metadata of its events.

    Args:
        instance: The instance that keeps the run.
        run_id: The run.
        events: Its failure events: those of its steps, then its own.
        database: The database in which the run would have published.

    Returns:
        The first failure that was raised for a person; else what Dagster says of a run that it
        ended itself; else what the database or the machine did to it; else the trace of an error
        of the program.
    """
    failures = [event for event in events if event.is_failure]
    stored = instance.all_logs(
        run_id, of_type={dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_CANCELING}
    )
    others = [entry.dagster_event for entry in stored if entry.dagster_event]
    if failure := _raised(failures) or _raised(others):
        if failure.kind in _SENTENCES:
            return _ended_by(failure.kind, run_id, database)
        return RunResult(failure.exit_code, run_id, failure.reason, failure.kind)
    if ended_by := _ended_by_dagster(instance, run_id, failures, others):
        kind, seconds = ended_by
        return _ended_by(kind, run_id, database, seconds)
    names = _error_names(failures)
    for name, kind in _STORAGE_ERRORS.items():
        if name in names:
            return _ended_by(kind, run_id, database)
    if any(event.is_step_failure for event in failures) and (
        failed := _failed_checks(database, run_id)
    ):
        return RunResult(
            STOPPED_BY_CHECK,
            run_id,
            f"blocking checks failed: {', '.join(failed)}. Their results stand in "
            "ops.check_result.",
            BLOCKING_CHECKS_FAILED,
        )
    traces = [error.to_string() for event in failures if (error := _error(event))]
    trace = traces[-1] if traces else "the job failed"
    return RunResult(FAILED, run_id, f"{trace.strip()}\n{_FAULT_OF_OURS}")


def result_of_error(run_id: str, error: BaseException, database: Database) -> RunResult | None:
    """The result of a run that raised an error beside its steps.

    None when neither the database nor the machine nor a signal was the cause.
    """
    kind = external_cause(error)
    return _ended_by(kind, run_id, database) if kind else None


def _raised(events: Iterable[dg.DagsterEvent]) -> Failure | None:
    """The first failure that a step or a resource has reported with its metadata."""
    for event in events:
        data: Any = event.event_specific_data
        if event.is_step_failure:
            data = event.step_failure_data.user_failure_data
        metadata = getattr(data, "metadata", None)
        if metadata and (failure := failure_in(metadata)):
            return failure
    return None


def _ended_by_dagster(
    instance: dg.DagsterInstance,
    run_id: str,
    failures: Sequence[dg.DagsterEvent],
    others: Sequence[dg.DagsterEvent],
) -> tuple[str, int] | None:
    """How Dagster ended the run itself, and the limit in seconds that it had."""
    of_run = [event for event in failures if event.is_run_failure]
    if not of_run:
        return None
    data = of_run[-1].event_specific_data
    reason = data.failure_reason if isinstance(data, JobFailureData) else None
    if reason in _REASONS:
        return _REASONS[reason], instance.run_monitoring_start_timeout_seconds
    if reason not in (None, RunFailureReason.UNKNOWN):
        return None
    # Marked as failed from outside. Dagster asks a run to stop and then marks it as failed, not as
    # canceled, at one place: where it has taken longer than it may.
    if any(event.event_type == dg.DagsterEventType.RUN_CANCELING for event in others):
        return RUN_TOO_LONG, _max_runtime(instance, run_id)
    record = instance.get_run_record_by_id(run_id)
    return (RUN_DIED, 0) if record and record.start_time else None


def _max_runtime(instance: dg.DagsterInstance, run_id: str) -> int:
    run = instance.get_run_by_id(run_id)
    of_run = run.tags.get("dagster/max_runtime") if run else None
    return int(float(of_run or instance.run_monitoring_max_runtime_seconds))


def _error(event: dg.DagsterEvent) -> Any:
    return getattr(event.event_specific_data, "error", None)


def _error_names(failures: Iterable[dg.DagsterEvent]) -> set[str]:
    """The class of each failure's error and of what caused it."""
    names = set()
    for event in failures:
        error = _error(event)
        while error:
            names.add(error.cls_name)
            error = error.cause
    return names


def _ended_by(kind: str, run_id: str, database: Database, seconds: int = 0) -> RunResult:
    try:
        with database.connect() as conn:
            found = conn.execute("select from ops.publication where run_id = %s", [run_id])
            published = _STANDS if found.rowcount else _AS_IT_WAS
    except (DatabaseError, psycopg.Error):
        published = "The published state is whole: this run's or the one before."
    sentence = _SENTENCES[kind].format(seconds=seconds, published=published)
    return RunResult(FAILED, run_id, sentence, kind)


def _failed_checks(database: Database, run_id: str) -> list[str]:
    with database.connect() as conn:
        return [str(check) for check in failed_checks(conn, run_id) if check.blocking]
