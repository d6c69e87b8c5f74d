"""`atendimento run`: the job `daily`, executed in this process and told as an exit code."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import uuid4

from orchestration.postgres.database import Database, DatabaseError
from orchestration.publication import recovery, status_pages
from orchestration.runs import failure_file
from orchestration.runs.bootstrap import export_environment, open_database, prepare_home
from orchestration.runs.check_runner import CheckRunner, open_check_runner
from orchestration.runs.run_result import (
    OK,
    RunResult,
    failed_checks,
    result_of_exception,
    result_of_failures,
)
from orchestration.settings import Settings

_NO_TAGS: Mapping[str, str] = MappingProxyType({})


def execute_daily_job(
    settings: Settings, source: str, as_of: datetime, tags: Mapping[str, str] = _NO_TAGS
) -> tuple[RunResult, Database]:
    """Run the job for one delivery and one instant; DatabaseError before anything starts."""
    prepare_home(settings)
    run_id = str(uuid4())
    with open_check_runner(settings) as checker:
        # Great Expectations is imported in its own process while this one imports Dagster and dbt.
        checker.warm()
        try:
            database = open_database(settings)
        except DatabaseError as error:
            failure_file.write_failure(settings.home, run_id, str(error), "DatabaseError")
            raise
        export_environment(settings, database)
        try:
            ended = _execute_job(settings, source, as_of, database, checker, run_id, tags)
        except BaseException as error:
            # Dagster keeps its events in the database, and fails by itself when that goes away.
            # Told to stop outside a step, it passes that on.
            explained = result_of_exception(run_id, error, database)
            if explained is None:
                raise
            ended = explained
    # Told to stop in its last moment, it did what it was called for.
    if ended.kind == "RunStopped" and recovery.was_committed(database, run_id):
        return RunResult(OK, run_id), database
    if ended.exit_code:
        # Imported here, as the job is.
        from orchestration.maintenance import post_run

        post_run.record_failure(settings, database, ended)
        status_pages.refresh_status_pages(settings, database)
    return ended, database


def _execute_job(
    settings: Settings,
    source: str,
    as_of: datetime,
    database: Database,
    checker: CheckRunner,
    run_id: str,
    tags: Mapping[str, str],
) -> RunResult:
    # Imported here: Dagster and dbt take seconds, and `--help` should not.
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.runs.stale_runs import (
        end_stale_runs,
        hold_liveness_lock,
        tags_of_run_by_hand,
    )
    from orchestration.schedules import run_config

    with dg.DagsterInstance.get() as instance, hold_liveness_lock(database, run_id):
        end_stale_runs(instance, database)
        result = defs.resolve_job_def("daily").execute_in_process(
            run_config={
                # A URL may hold a password, and Dagster keeps and shows a run's configuration.
                **run_config(as_of.isoformat(), "" if "://" in source else source),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=instance,
            run_id=run_id,
            tags={**tags_of_run_by_hand(run_id), **tags},
            resources={
                "checker": checker,
                "settings": settings.model_copy(update={"source": source}),
            },
            raise_on_error=False,
        )
        if result.success:
            return RunResult(OK, result.run_id)
        failures = [event for event in result.all_events if event.is_failure]
        return result_of_failures(run_id, failures, database)


def warnings(database: Database, run_id: str) -> list[str]:
    """One sentence for each check of the run that warns."""
    with database.connect() as conn:
        return failed_checks(conn, run_id, blocking=False)


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
