"""How a run of the job ended: an exit code, and one sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.postgres.database import Database, DatabaseError

OK, FAILED, WRONG_USAGE, STOPPED_BY_CHECK = 0, 1, 2, 3  # running.md

# Errors whose message is written for a person; any other is a fault of ours and shows its trace.
SPEAKING = {
    "BuildFailed",
    "CheckCrashed",
    "ChecksStopped",
    "DatabaseError",
    "DeliveryRefused",
    "PublicationError",
    "PublishError",
    "RunGivenUp",
    "RunInProgress",
    "RunLockLost",
    "SettingsError",
}
# Kinds of these, by the name of what they are.
_KINDS_OF = {
    "MadeByNewer": "DatabaseError",
    "RefusedForNow": "DeliveryRefused",
    "Unreadable": "DeliveryRefused",
}
_FAULT_OF_OURS = (
    "That is a fault of the program, not of the delivery. Run again; if it fails again, report the "
    "lines above."
)
CHECK_STOPPED = {"ChecksStopped", "DagsterAssetCheckFailedError"}

_AS_IT_WAS = "It had not published; the published state is as it was."
_STANDS = "It had published before; what is published stands."

# What Dagster itself says of a run that it ends. Its words are its own, so that only their
# beginnings are looked for; what follows may name hosts.
_OF_DAGSTER = (
    (
        re.compile(r"Exceeded maximum runtime of (\d+) seconds"),
        "RunTooLong",
        "The run was ended, since it took more than {0} seconds (max_runtime_seconds in "
        "deploy/dagster.yaml). {published} Look at what the machine and the database were doing, "
        "then run again.",
    ),
    (
        re.compile(r"Run timed out due to taking longer than (\d+) seconds to start"),
        "RunNotStarted",
        "The run did not start within {0} seconds: its process could not be started, or the "
        "machine had too much to do. {published} Run again.",
    ),
    (
        re.compile(r"Detected run worker status"),
        "RunDied",
        "The run's process died: it was killed, ran out of memory, or its machine stopped. "
        "{published} Run again.",
    ),
    (
        re.compile(r"This job is being forcibly marked as failed"),
        "RunStopped",
        "The run was told to stop and did not; it is taken for dead. {published} Run again.",
    ),
)
# What the database or the machine did to a run, by the name of the error.
_OF_THE_SURROUNDINGS = (
    (
        {"DagsterExecutionInterruptedError", "KeyboardInterrupt"},
        "RunStopped",
        "The run was stopped before its end. {published} Run again.",
    ),
    (
        {"DiskFull"},
        "DiskFull",
        "The disk of the database is full. {published} Make room there, then run again.",
    ),
    (
        {"AdminShutdown", "CrashShutdown", "CannotConnectNow", "OperationalError",
         "InterfaceError", "DagsterPostgresException"},
        "DatabaseAway",
        "The database ended the connection: it was stopped or restarted, or could not be reached "
        "any more. {published} Run again once it answers (`atendimento doctor`).",
    ),
)  # fmt: skip
FROM_OUTSIDE = {kind for _, kind, _ in (*_OF_DAGSTER, *_OF_THE_SURROUNDINGS)}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: its exit code, its id and, unless published, why.

    `kind` is the name of the error when its sentence was written for a person, else empty.
    """

    exit_code: int
    run_id: str
    reason: str = ""
    kind: str = ""


def result_of_failures(run_id: str, failures: Iterable[Any], database: Database) -> RunResult:
    """The first failure's innermost sentence that is written for a person.

    When there is none: what Dagster says of a run that it ended itself, or what the surroundings
    did to it.
    """
    failures = list(failures)
    for error in _errors(failures):
        name = _KINDS_OF.get(error.cls_name, error.cls_name)
        if name in CHECK_STOPPED and name not in SPEAKING:
            return RunResult(STOPPED_BY_CHECK, run_id, _failed_checks(run_id, database), name)
        if name in SPEAKING:
            code = STOPPED_BY_CHECK if name in CHECK_STOPPED else FAILED
            return RunResult(code, run_id, error.message.partition(": ")[2].strip(), name)
    for event in failures:
        for words, kind, sentence in _OF_DAGSTER:
            if said := words.match(getattr(event, "message", None) or ""):
                return _ended_by(run_id, kind, sentence, database, *said.groups())
    names = [error.cls_name for error in _errors(failures)]
    for kinds, kind, sentence in _OF_THE_SURROUNDINGS:
        if kinds & set(names):
            return _ended_by(run_id, kind, sentence, database)
    whole = [error.to_string() for event in failures if (error := _error(event))]
    told = whole[-1] if whole else "the job failed"
    return RunResult(FAILED, run_id, f"{told.strip()}\n{_FAULT_OF_OURS}")


def result_of_exception(run_id: str, error: BaseException, database: Database) -> RunResult | None:
    """The same for what the run raised beside its steps; None when that is a fault of ours."""
    names: set[str] = set()
    current: BaseException | None = error
    while current and len(names) < 20:
        names.add(type(current).__name__)
        current = current.__cause__ or current.__context__
    for kinds, kind, sentence in _OF_THE_SURROUNDINGS:
        if kinds & names:
            return _ended_by(run_id, kind, sentence, database)
    return None


def _error(event: Any) -> Any:
    return getattr(event.event_specific_data, "error", None)


def _errors(failures: Iterable[Any]) -> Iterator[Any]:
    """Each failure's error and what caused it, outermost first."""
    for event in failures:
        error = _error(event)
        while error:
            yield error
            error = error.cause


def _ended_by(run_id: str, kind: str, sentence: str, database: Database, *said: str) -> RunResult:
    try:
        with database.connect() as conn:
            found = conn.execute("select from ops.publication where run_id = %s", [run_id])
            published = _STANDS if found.rowcount else _AS_IT_WAS
    except (DatabaseError, psycopg.Error):
        published = "The published state is whole: this run's or the one before."
    return RunResult(FAILED, run_id, sentence.format(*said, published=published), kind)


def _failed_checks(run_id: str, database: Database) -> str:
    with database.connect() as conn:
        failed = failed_checks(conn, run_id, blocking=True)
    return f"blocking checks failed: {', '.join(failed)}. Their results stand in ops.check_result."


def failed_checks(conn: psycopg.Connection, run_id: str, *, blocking: bool) -> list[str]:
    """Each check that did not pass, with how many rows (or tables, or companies) it found."""
    return [
        f"{suite}.{name} ({'could not be computed' if crashed else count})"
        for suite, name, count, crashed in conn.execute(
            "select suite, check_name, unexpected_count,"
            " coalesce((details->>'crashed') is not null, false) from ops.check_result"
            " where run_id = %s and blocking = %s and not passed order by suite, check_name",
            [run_id, blocking],
        )
    ]
