"""How a run of the job ended: an exit code, and one sentence for a person.

Belongs here: reading a run's failure events. Does not: running (`daily_run.py`), nor what to do
about a failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.database import Database

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
    "SettingsError",
}
_FAULT_OF_OURS = (
    "That is a fault of the program, not of the delivery. Run again; if it fails again, report the "
    "lines above."
)
CHECK_STOPPED = {"ChecksStopped", "DagsterAssetCheckFailedError"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code, its id and, unless published, why.

    `kind` is the name of the error when its sentence was written for a person, else empty.
    """

    exit_code: int
    run_id: str
    reason: str = ""
    kind: str = ""


def explain(run_id: str, failures: Iterable[Any], database: Database) -> Ended:
    """The first failure's innermost sentence that is written for a person."""
    whole = "the job failed"
    for event in failures:
        error = getattr(event.event_specific_data, "error", None)
        whole = error.to_string() if error else whole
        while error:
            name = error.cls_name
            if name in CHECK_STOPPED and name not in SPEAKING:
                return Ended(STOPPED_BY_CHECK, run_id, _failed_checks(run_id, database), name)
            if name in SPEAKING:
                code = STOPPED_BY_CHECK if name in CHECK_STOPPED else FAILED
                return Ended(code, run_id, error.message.partition(": ")[2].strip(), name)
            error = error.cause
    return Ended(FAILED, run_id, f"{whole.strip()}\n{_FAULT_OF_OURS}")


def _failed_checks(run_id: str, database: Database) -> str:
    with database.connect() as conn:
        failed = not_passed(conn, run_id, blocking=True)
    return f"blocking checks failed: {', '.join(failed)}. Their results stand in ops.check_result."


def not_passed(conn: psycopg.Connection, run_id: str, *, blocking: bool) -> list[str]:
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
