"""What follows a run, however it ended: alarms are told, metrics written, old things removed.

A run by hand does this itself; with Dagster's daemon, sensors and a schedule do (`sensors.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import dagster as dg
import psycopg

from orchestration.maintenance import retention
from orchestration.monitoring import metrics
from orchestration.notifications.conditions import failure_facts
from orchestration.notifications.dispatcher import dispatch_notifications, notify_without_database
from orchestration.postgres.database import Database, DatabaseError
from orchestration.progress import LOGGER
from orchestration.runs import failure_file, ledger
from orchestration.runs.run_result import RunResult
from orchestration.settings import Settings


def run_post_run_hooks(settings: Settings, database: Database) -> None:
    """Do all that follows a run; what fails is a warning."""
    # The instance too, since it is in the database, which may have gone away in the run.
    _try("what follows a run was left out", lambda: _follow(settings, database))


def _follow(settings: Settings, database: Database) -> None:
    with dg.DagsterInstance.get() as instance:
        _try("alarms could not be told", lambda: notify(settings, database))
        _try("old runs could not be removed", lambda: _tidy_if_due(settings, database, instance))
        _try("metrics could not be written", lambda: write_metrics(settings, database, instance))


def notify(settings: Settings, database: Database, *, wait: bool = True) -> None:
    """Tell each channel its news; one that fails is a warning, and tried again next time."""
    _warn(dispatch_notifications(settings, database, wait=wait))


def record_failure(settings: Settings, database: Database, result: RunResult) -> None:
    """Keep why a run failed; what the database does not take is kept in a file, and told at once.

    That file may not be written either, when both are on one full disk.
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
    """What follows a run that found no database."""
    _warn(notify_without_database(settings, "database_away", {}))


def _warn(failures: Iterable[str]) -> None:
    for failure in failures:
        LOGGER.warning("Warning: %s", failure)


def write_metrics(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    """Write the file of metrics anew."""
    metrics.write_metrics(metrics.read_metrics(settings, database, instance), settings.metrics)


def _tidy_if_due(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    with database.connect(application="atendimento tidy") as conn:
        due = retention.is_due(settings, conn, instance)
    if due:
        retention.apply_retention(settings, database, instance)


def _try(failed: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        # Its text may repeat an address or a row.
        LOGGER.warning("Warning: %s: %s", failed, type(error).__name__)
