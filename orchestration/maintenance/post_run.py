"""Post-run hooks: notifications, metrics, retention. None of them changes how the run ended.

A run by hand calls them itself; with Dagster's daemon, sensors and a schedule do (`sensors.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import dagster as dg
import psycopg

from orchestration.errors import DatabaseError
from orchestration.maintenance import retention
from orchestration.monitoring import metrics
from orchestration.notifications.conditions import failure_facts
from orchestration.notifications.dispatcher import dispatch_notifications, notify_without_database
from orchestration.postgres.database import Database
from orchestration.progress import LOGGER
from orchestration.runs import failure_file, ledger
from orchestration.runs.run_result import RunResult
from orchestration.settings import Settings


def run_post_run_hooks(settings: Settings, database: Database) -> None:
    """Run the hooks; one that fails logs a warning."""
    # Opening Dagster's instance may fail too: the database may have been lost during the run.
    _try("the post-run hooks were not run", lambda: _follow(settings, database))


def _follow(settings: Settings, database: Database) -> None:
    with dg.DagsterInstance.get() as instance:
        _try("alarms could not be told", lambda: notify(settings, database))
        _try("old runs could not be removed", lambda: _tidy_if_due(settings, database, instance))
        _try("metrics could not be written", lambda: write_metrics(settings, database, instance))


def notify(settings: Settings, database: Database, *, wait: bool = True) -> None:
    """Send each channel what it has not been told; a failure logs a warning and is tried again."""
    _warn(dispatch_notifications(settings, database, wait=wait))


def record_failure(settings: Settings, database: Database, result: RunResult) -> None:
    """Store why a run failed, in the database or in a file; in the latter case, also send it.

    Both may fail, when database and state folder are on one full disk; then it is only sent.

    Args:
        settings: The state folder and the channels.
        database: The database, which may be unreachable.
        result: How the run ended.
    """
    try:
        with database.connect() as conn:
            ledger.record_failure(conn, result.run_id, result.reason, result.kind)
    except (DatabaseError, psycopg.Error):
        failure_file.write_failure(settings.home, result.run_id, result.reason, result.kind)
        if result.kind != "RunInProgress":
            facts = failure_facts(result.kind, result.reason)
            _warn(notify_without_database(settings, "run_failed", facts))


def notify_database_unreachable(settings: Settings) -> None:
    """Send the alarm of a run that could not use the database."""
    _warn(notify_without_database(settings, "database_away", {}))


def _warn(failures: Iterable[str]) -> None:
    for failure in failures:
        LOGGER.warning("Warning: %s", failure)


def write_metrics(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    """Replace the metrics file."""
    metrics.write_metrics(metrics.read_metrics(settings, database, instance), settings.metrics)


def _tidy_if_due(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    with database.connect(application="atendimento cleanup") as conn:
        due = retention.is_due(settings, conn, instance)
    if due:
        retention.apply_retention(settings, database, instance)


def _try(failed: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        # The error's text may repeat an address or a row.
        LOGGER.warning("Warning: %s: %s", failed, type(error).__name__)
