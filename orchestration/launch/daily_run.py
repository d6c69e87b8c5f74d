"""Runs the job `daily` in this process, as `atendimento run` does."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg

from orchestration.errors import OK, DatabaseError
from orchestration.postgres.database import Database
from orchestration.publication import recovery, status_pages
from orchestration.runs import failure_file
from orchestration.runs.bootstrap import export_environment, open_database, prepare_home
from orchestration.runs.check_runner import CheckRunner, open_check_runner
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.runs.run_result import RunResult

_NO_TAGS: Mapping[str, str] = MappingProxyType({})

Totals = Mapping[str, Mapping[str, int]]
"""The totals of R11: agendas by company, then by totalizer."""


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """What a run that published has to say.

    `warnings` has a sentence for each check that warns. `totals` is None when the database does not
    answer any more. `peak_memory_mb` is that of this process and of the largest it waited for.
    """

    run_id: str
    warnings: Sequence[str]
    totals: Totals | None
    peak_memory_mb: tuple[int, int]


def run_daily_job(settings: Settings, source: str, as_of: datetime) -> PublishedRun:
    """Run the job for one delivery and one instant, then what follows every run.

    Args:
        settings: The settings of the run.
        source: A delivery folder by its absolute path, or a database's URL.
        as_of: The instant to compute for (R3).

    Raises:
        UserError: The run did not publish; the published state is as it was.
    """
    try:
        result, database = execute_daily_job(settings, source, as_of)
    except DatabaseError:
        from orchestration.maintenance import post_run

        post_run.notify_database_unreachable(settings)
        raise
    from orchestration.maintenance import post_run
    from orchestration.runs.failed_checks import failed_checks

    post_run.run_post_run_hooks(settings, database)
    result.raise_if_failed()
    warnings: list[str] = []
    totals: Totals | None = None
    try:
        with database.connect() as conn:
            warnings = [
                str(check) for check in failed_checks(conn, result.run_id) if not check.blocking
            ]
            totals = _totals(conn)
    except (DatabaseError, psycopg.Error):
        pass  # published it is, and the caller says that the totals are missing
    return PublishedRun(result.run_id, warnings, totals, _peak_memory_mb())


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
            failure_file.write_failure(settings.home, run_id, str(error), error.kind)
            raise
        export_environment(settings, database)

        from orchestration.runs.failures import RUN_STOPPED
        from orchestration.runs.run_result import RunResult, result_of_error

        try:
            result = _execute_job(settings, source, as_of, database, checker, run_id, tags)
        except BaseException as error:
            # Dagster keeps its events in the database, and fails by itself when that goes away.
            # Told to stop outside a step, it passes that on.
            of_error = result_of_error(run_id, error, database)
            if of_error is None:
                raise
            result = of_error
    # Told to stop in its last moment, it did what it was called for.
    if result.kind == RUN_STOPPED and recovery.was_committed(database, run_id):
        return RunResult(OK, run_id), database
    if result.exit_code:
        from orchestration.maintenance import post_run

        post_run.record_failure(settings, database, result)
        status_pages.refresh_status_pages(settings, database)
    return result, database


def _execute_job(
    settings: Settings,
    source: str,
    as_of: datetime,
    database: Database,
    checker: CheckRunner,
    run_id: str,
    tags: Mapping[str, str],
) -> RunResult:
    # Imported late: Dagster and dbt take seconds, and `--help` should not.
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.runs.run_result import RunResult, result_of_failed_run
    from orchestration.runs.stale_runs import (
        end_stale_runs,
        hold_liveness_lock,
        tags_of_run_by_hand,
    )
    from orchestration.schedules import run_config

    with dg.DagsterInstance.get() as instance, hold_liveness_lock(database, run_id):
        end_stale_runs(instance, database)
        done = defs.resolve_job_def("daily").execute_in_process(
            run_config={
                **run_config(as_of.isoformat()),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=instance,
            run_id=run_id,
            tags={**tags_of_run_by_hand(run_id), **tags},
            resources={
                "checker": checker,
                # Not in the configuration: Dagster keeps and shows it, a URL may hold a password,
                # and there it could be named by anybody who may start runs in the UI.
                "settings": settings.model_copy(update={"source": source}),
            },
            raise_on_error=False,
        )
        if done.success:
            return RunResult(OK, run_id)
        return result_of_failed_run(instance, run_id, done.all_events, database)


def _totals(conn: psycopg.Connection) -> Totals:
    rows = conn.execute(
        "select company_id, totalizer, sum(agenda_count) from marts.totalizer group by 1, 2"
    )
    counts: dict[str, dict[str, int]] = {
        company: {} for (company,) in conn.execute("select company_id from marts.company")
    }
    for company, totalizer, count in rows:
        counts.setdefault(company, {})[totalizer] = int(count)
    return counts


def _peak_memory_mb() -> tuple[int, int]:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return own, children
