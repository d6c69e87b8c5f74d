"""`atendimento run`: the job `daily`, executed in this process and told as an exit code.

Belongs here: starting the job and saying how it ended. Does not: what the job does.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from orchestration.checking import Checker, open_checker
from orchestration.database import Database
from orchestration.runtime import export_environment, open_database, prepare_home
from orchestration.settings import Settings

PUBLISHED, FAILED, WRONG_USAGE, STOPPED_BY_CHECK = 0, 1, 2, 3

# Errors whose message is written for a person; any other is a fault of ours and shows its trace.
_SPEAKING = {
    "BuildFailed",
    "CheckCrashed",
    "ChecksStopped",
    "DatabaseError",
    "DeliveryRefused",
    "PublicationError",
    "PublishError",
    "RunInProgress",
    "SettingsError",
}
_CHECK_STOPPED = {"ChecksStopped", "DagsterAssetCheckFailedError"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code, its id and, unless published, why."""

    exit_code: int
    run_id: str
    reason: str = ""


def execute(settings: Settings, source: str, as_of: datetime) -> tuple[Ended, Database]:
    """Run the job for one delivery and one instant; DatabaseError before anything starts."""
    prepare_home(settings)
    with open_checker(settings) as checker:
        # Great Expectations is imported in its own process while this one imports Dagster and dbt.
        checker.warm()
        database = open_database(settings)
        export_environment(settings, database)
        return _execute_job(source, as_of, database, checker), database


def _execute_job(source: str, as_of: datetime, database: Database, checker: Checker) -> Ended:
    # Imported here: Dagster and dbt take seconds, and `--help` should not.
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.schedules import run_config

    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def("daily").execute_in_process(
            run_config={
                **run_config(as_of.isoformat(), source),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=instance,
            resources={"checker": checker},
            raise_on_error=False,
        )
        if result.success:
            return Ended(PUBLISHED, result.run_id)
        failures = [event for event in result.all_events if event.is_failure]
        return _explain(result.run_id, failures, database)


def _explain(run_id: str, failures: list[Any], database: Database) -> Ended:
    """The first failure's innermost sentence that is written for a person."""
    for event in failures:
        error = getattr(event.event_specific_data, "error", None)
        while error:
            name = error.cls_name
            if name in _CHECK_STOPPED and name not in _SPEAKING:
                return Ended(STOPPED_BY_CHECK, run_id, _failed_checks(run_id, database))
            if name in _SPEAKING:
                code = STOPPED_BY_CHECK if name in _CHECK_STOPPED else FAILED
                return Ended(code, run_id, error.message.partition(": ")[2].strip())
            error = error.cause
    first = failures[0] if failures else None
    error = getattr(first.event_specific_data, "error", None) if first else None
    return Ended(FAILED, run_id, error.to_string() if error else "the job failed")


def _failed_checks(run_id: str, database: Database) -> str:
    with database.connect() as conn:
        failed = _not_passed(conn, run_id, blocking=True)
    return f"blocking checks failed: {', '.join(failed)}. Their results stand in ops.check_result."


def warnings(database: Database, run_id: str) -> list[str]:
    """One sentence for each check of the run that warns."""
    with database.connect() as conn:
        return _not_passed(conn, run_id, blocking=False)


def _not_passed(conn: psycopg.Connection, run_id: str, *, blocking: bool) -> list[str]:
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


def totals(database: Database) -> Iterator[str]:
    """The totals of R11 per company, as lines of a table."""
    names = ("active", "no_show", "passive", "refused", "booked", "call_requested", "no_reply")
    yield f"{'company':<20}" + "".join(f"{name:>15}" for name in names)
    with database.connect() as conn:
        rows = conn.execute(
            "select company_id, totalizer, sum(agenda_count) from marts.totalizer group by 1, 2"
        )
        counts: dict[str, dict[str, int]] = {
            company: {} for (company,) in conn.execute("select company_id from marts.company")
        }
        for company, totalizer, count in rows:
            counts.setdefault(company, {})[totalizer] = count
    for company in sorted(counts):
        row = counts[company]
        yield f"{company:<20}" + "".join(f"{row.get(name, 0):>15,}" for name in names)


def peak_memory() -> str:
    """The greatest memory of this process and of any it waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return f"peak memory {own} MB (largest process it started: {children} MB)"
