"""Which runs are alive, and what becomes of one whose process died.

A process that is killed, runs out of memory or stops with its machine says nothing: Dagster would
hold its run for under way, and with one run at a time the queue would wait for it. PostgreSQL lets
go of a session's locks when the session ends, however it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg

from orchestration.errors import UserError
from orchestration.postgres import locks
from orchestration.postgres.database import Database
from orchestration.runs import ledger

# The jobs whose runs hold the database from first step to last: `daily`, and `__ASSET_JOB`, which
# is what Dagster calls a run of assets picked in its UI.
_JOBS_HOLDING_DATABASE = frozenset({"daily", "__ASSET_JOB"})

# On runs whose lock was taken before Dagster knew of them: their own id, since Dagster copies tags
# to a run that repeats another.
_STARTED_BY_HAND = "atendimento/started_by_hand"

# A run that Dagster launched takes its lock some seconds after it is entered: not dead until then.
_GRACE = {
    dg.DagsterRunStatus.NOT_STARTED: timedelta(minutes=5),
    dg.DagsterRunStatus.STARTING: timedelta(minutes=5),
    dg.DagsterRunStatus.STARTED: timedelta(minutes=1),
    dg.DagsterRunStatus.CANCELING: timedelta(minutes=1),
}
_DIED = "The run's process died: it was killed, ran out of memory, or its machine stopped. "
_NOT_PUBLISHED = _DIED + "It had not published; the published state is as it was. Run again."
_PUBLISHED = _DIED + "It had published before; nothing needs to be done."


class RunAbandoned(UserError, kind="RunGivenUp"):
    """The run was taken for dead before its process came to life."""


def tags_of_run_by_hand(run_id: str) -> dict[str, str]:
    """The tags of a run that is entered while its lock is held.

    Dagster does not try it again by itself: a source's password is not in its configuration, and
    who started it sees how it ended.
    """
    return {_STARTED_BY_HAND: run_id, "dagster/max_retries": "0"}


@contextmanager
def hold_liveness_lock(
    database: Database, run_id: str, given_up: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Say that the run lives, until the block ends or the process does.

    `given_up` is asked once the lock is held, when no one can take the run for dead any more; when
    it was before, RunAbandoned is raised.
    """
    # Not a `with` block: that would commit at its end, which fails when the server was restarted.
    conn = database.connect(application="atendimento run alive")
    try:
        conn.autocommit = True
        # Shared: a run that was started by hand holds it twice, in its command and in its job.
        conn.execute(
            "select pg_advisory_lock_shared(hashtextextended(%s, %s))", [run_id, locks.RUN_ID]
        )
        if given_up():
            raise RunAbandoned(
                "The run took so long to start that it was given up. Nothing was changed: run "
                "again."
            )
        yield
    finally:
        conn.close()


def end_stale_runs(instance: dg.DagsterInstance, database: Database) -> list[str]:
    """Mark as failed each unfinished run whose process is gone, with the reason; their ids."""
    now = datetime.now(UTC)
    unfinished = instance.get_run_records(dg.RunsFilter(statuses=list(_GRACE)))
    suspects = [record.dagster_run.run_id for record in unfinished if _is_suspect(record, now)]
    if not suspects:
        return []
    with database.connect(application="atendimento liveness") as conn:
        conn.autocommit = True
        return [run_id for run_id in suspects if _end_if_dead(instance, conn, run_id)]


def _is_suspect(record: dg.RunRecord, now: datetime) -> bool:
    run = record.dagster_run
    if run.job_name not in _JOBS_HOLDING_DATABASE:
        return False
    by_hand = run.tags.get(_STARTED_BY_HAND) == run.run_id
    return by_hand or now - record.update_timestamp > _GRACE[run.status]


def _end_if_dead(instance: dg.DagsterInstance, conn: psycopg.Connection, run_id: str) -> bool:
    """End the run unless its process holds its lock. The lock is ours until Dagster knows."""
    key = [run_id, locks.RUN_ID]
    taken = conn.execute("select pg_try_advisory_lock(hashtextextended(%s, %s))", key).fetchone()
    if taken != (True,):
        return False
    try:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:  # it ended and let go since we asked
            return False
        published = conn.execute("select from ops.publication where run_id = %s", [run_id])
        sentence = _PUBLISHED if published.rowcount else _NOT_PUBLISHED
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, sentence)
        else:
            ledger.record_failure(conn, run_id, sentence, "RunDied")
            instance.report_run_failed(run, sentence)
        return True
    finally:
        conn.execute("select pg_advisory_unlock(hashtextextended(%s, %s))", key)
