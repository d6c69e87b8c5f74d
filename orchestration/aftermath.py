"""What follows a run, however it ended: alarms are told, metrics written, old things removed.

Belongs here: the order, and that none of it changes how the run ended. Does not: doing it. A run by
hand does this itself; with Dagster's daemon, sensors and a schedule do (`sensors.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import psycopg

from orchestration import bookkeeping, last_failure, metrics, tidying
from orchestration.database import Database, DatabaseError
from orchestration.notify import away
from orchestration.notify.situations import facts_of_failure
from orchestration.notify.tell import look_and_tell
from orchestration.outcome import Ended
from orchestration.progress import LOGGER
from orchestration.settings import Settings


def after_run(settings: Settings, database: Database) -> None:
    """Do all that follows a run; what fails is a warning."""
    # The instance too, since it is in the database, which may have gone away in the run.
    _try("what follows a run was left out", lambda: _follow(settings, database))


def _follow(settings: Settings, database: Database) -> None:
    with dg.DagsterInstance.get() as instance:
        _try("alarms could not be told", lambda: tell(settings, database))
        _try("old runs could not be removed", lambda: _tidy_if_due(settings, database, instance))
        _try("metrics could not be written", lambda: write_metrics(settings, database, instance))


def tell(settings: Settings, database: Database, *, wait: bool = True) -> None:
    """Tell each channel its news; one that fails is a warning, and tried again next time."""
    for failure in look_and_tell(settings, database, wait=wait):
        LOGGER.warning("Warning: %s", failure)


def keep_failure(settings: Settings, database: Database, ended: Ended) -> None:
    """Keep why a run failed; what the database does not take is kept in a file, and told at once.

    That file may not be written either, when both are on one full disk.
    """
    try:
        with database.connect() as conn:
            bookkeeping.record_failure(conn, ended.run_id, ended.reason, ended.kind)
    except (DatabaseError, psycopg.Error):
        last_failure.keep(settings.home, ended.run_id, ended.reason, ended.kind)
        if ended.kind != "RunInProgress":
            facts = facts_of_failure(ended.kind, ended.reason)
            _say(lambda: away.tell_failure(settings, facts))


def tell_that_the_database_is_away(settings: Settings) -> None:
    """What follows a run that found no database."""
    _say(lambda: away.tell_away(settings))


def _say(tell: Callable[[], list[str]]) -> None:
    try:
        for failure in tell():
            LOGGER.warning("Warning: %s", failure)
    except OSError as error:
        LOGGER.warning("Warning: alarms could not be told: %s", type(error).__name__)


def write_metrics(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    """Write the file of metrics anew."""
    metrics.write(metrics.read(settings, database, instance), settings.metrics)


def _tidy_if_due(settings: Settings, database: Database, instance: dg.DagsterInstance) -> None:
    with database.connect(application="atendimento tidy") as conn:
        due = tidying.is_due(settings, conn, instance)
    if due:
        tidying.tidy(settings, database, instance)


def _try(failed: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        # Its text may repeat an address or a row.
        LOGGER.warning("Warning: %s: %s", failed, type(error).__name__)
