"""Deletes runs, logs and check results past their retention period (`atendimento cleanup`).

Editions of pages are deleted by each publication. Versions, history and the ledgers of deliveries
and publications are never deleted.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
from psycopg import sql

from orchestration.access import retention
from orchestration.backup import incomplete_restore
from orchestration.notifications import alarms
from orchestration.postgres.database import Database
from orchestration.publication.dbt import PROJECT
from orchestration.runs.bootstrap import RunInProgress, run_lock
from orchestration.settings import Settings

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_ALWAYS_STAY = 10
_BATCH = 100
_EACH = timedelta(days=1)
_SOME = 25  # runs above the limit at which a cleanup is due before a day has passed
_LOG_BYTES = 10 * 2**20
_LEFT_OVER_AFTER = timedelta(days=1)

# Dagster's `delete_run` leaves these rows.
_CHECK_EXECUTIONS = "delete from dagster.asset_check_executions where run_id = any(%s)"
# Tables whose rows each run replaces: its events, and the catalogue's rows of tables it creates.
_VACUUMED = {
    "dagster": ("event_logs", "runs", "run_tags", "asset_event_tags", "asset_check_executions",
                "job_ticks"),
    "ops": ("check_result",),
    "pg_catalog": ("pg_attribute", "pg_class", "pg_constraint", "pg_depend", "pg_description",
                   "pg_index", "pg_policy", "pg_statistic", "pg_type"),
}  # fmt: skip
# Not deleted: parked rows, which wait for their reference; results of the last publication, and the
# failures since; the ledger of deliveries, without which a delivery would be loaded again.
_OLD = {
    "check results": """
        delete from ops.check_result where run_id not in (
            select run_id from ops.check_result group by run_id
            order by max(checked_at) desc limit %(runs)s)""",
    "check results by age": """
        delete from ops.check_result where checked_at < %(before)s
            and run_id not in (select run_id from ops.publication
                order by publication_id desc limit 1)""",
    "failures": """
        delete from ops.run_failure where failed_at < %(before)s and failed_at
            < (select max(published_at) from ops.publication)""",
    "editions on record": """
        delete from ops.edition where written_at < %(before)s
            and edition not in (select edition from ops.publication
                order by publication_id desc limit 1)""",
    "rejected rows": """
        delete from raw.rejected_row as rejected using ops.delivery as delivery
        where delivery.delivery_id = rejected.delivery_id and delivery.finished_at < %(before)s
            and rejected.reason <> 'unknown_reference'""",
}


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """How much was removed."""

    runs: int
    log_folders: int
    left_over_folders: int
    rows: int

    def __str__(self) -> str:
        return ", ".join(
            f"{count:,} {name.replace('_', ' ')}" for name, count in asdict(self).items()
        )


def apply_retention(
    settings: Settings, database: Database, instance: dg.DagsterInstance
) -> RetentionResult:
    """Delete what is past the retention periods of the settings, but no run in progress.

    Args:
        settings: The retention periods, and the state folder.
        database: The database of the product and of Dagster.
        instance: Dagster's instance, which knows the runs.

    Returns:
        How much was deleted.
    """
    with database.connect(application="atendimento cleanup") as conn:
        conn.autocommit = True
        runs = _remove_runs(settings, conn, instance)
        rows = _remove_rows(settings, conn)
        retention.delete_expired(conn, settings.access_log_retention_days)
        for schema, names in _VACUUMED.items():
            for name in names:
                conn.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(schema, name)))
        logs = _remove_logs(settings, instance)
        folders = _remove_left_over(settings)
        if incomplete_restore.has_incomplete_restore(settings, conn):
            # A restore in progress holds the lock; without one, a restore was killed.
            with suppress(RunInProgress, OSError), run_lock(database):
                incomplete_restore.remove_incomplete_restore(settings, database)
        _shorten(settings.home / "postgres.log")
        conn.execute(
            "insert into ops.retention_run default values"
            " on conflict (only_row) do update set finished_at = excluded.finished_at"
        )
    return RetentionResult(runs, logs, folders, rows)


def is_due(settings: Settings, conn: psycopg.Connection, instance: dg.DagsterInstance) -> bool:
    """Return whether a day has passed since the last cleanup, or there are too many runs."""
    row = conn.execute("select finished_at from ops.retention_run").fetchone()
    if row is None or datetime.now(UTC) - row[0] > _EACH:
        return True
    return instance.get_runs_count() > settings.run_retention_count + _SOME


def _remove_runs(settings: Settings, conn: psycopg.Connection, instance: dg.DagsterInstance) -> int:
    """Delete runs, the oldest first, so that an interrupted cleanup continues where it stopped."""
    before = datetime.now(UTC) - timedelta(days=settings.run_retention_days)
    newest = instance.get_run_records(limit=settings.run_retention_count)
    if len(newest) == settings.run_retention_count:
        before = max(before, newest[-1].create_timestamp)
    stay = {record.dagster_run.run_id for record in newest[:_ALWAYS_STAY]}
    old = dg.RunsFilter(statuses=_FINISHED, created_before=before)
    removed = 0
    while True:
        found = instance.get_run_records(old, limit=_BATCH + len(stay), ascending=True)
        ids = [run.dagster_run.run_id for run in found if run.dagster_run.run_id not in stay]
        if not ids:
            return removed
        for run_id in ids:
            instance.delete_run(run_id)
        conn.execute(_CHECK_EXECUTIONS, [ids])
        removed += len(ids)


def _remove_rows(settings: Settings, conn: psycopg.Connection) -> int:
    days = timedelta(days=settings.result_retention_days)
    limits = {"before": datetime.now(UTC) - days, "runs": settings.run_retention_count}
    removed = alarms.delete_old_alarms(conn, days)
    for statement in _OLD.values():
        removed += conn.execute(statement, limits).rowcount
    return removed


def _remove_logs(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Delete the log folders of runs that were deleted, and old logs of schedules and sensors."""
    before = time.time() - timedelta(days=settings.run_retention_days).total_seconds()
    there = list(_folders(settings.home / "dagster" / "storage"))
    known = set(instance.get_run_ids())  # read after the folders: a run is stored before it logs
    removed = 0
    for folder in there:
        of_run = (folder / "compute_logs").is_dir()
        if folder.name not in known if of_run else folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _remove_left_over(settings: Settings) -> int:
    """Delete folders of parsing processes that were killed (`publication/dbt.py` creates them)."""
    before = time.time() - _LEFT_OVER_AFTER.total_seconds()
    removed = 0
    for parent, beginning in ((PROJECT, "target."), (settings.home / "dbt", "parsed.")):
        for folder in _folders(parent):
            if folder.name.startswith(beginning) and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _folders(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        yield from [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()]


def _shorten(log: Path) -> None:
    """Move a long log to `.log.1`; the server appends to the emptied file."""
    if log.is_file() and log.stat().st_size > _LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
