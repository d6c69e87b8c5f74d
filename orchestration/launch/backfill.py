"""`atendimento backfill`: the history of past days, each as of its last microsecond (R3).

A day is built where a run builds, under the run's lock; nothing else that is published changes. The
lock is let go between two days, so that the runs of the day need not wait for a long backfill.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import psycopg

from orchestration.errors import CheckFailed, DatabaseError, UsageError, UserError
from orchestration.ingest import ledger
from orchestration.postgres.database import Database
from orchestration.progress import stage
from orchestration.publication.dbt import build
from orchestration.publication.swap import record_history
from orchestration.runs.bootstrap import (
    Warehouse,
    backfill_lock,
    open_database,
    prepare_home,
    run_lock,
)
from orchestration.settings import Settings

_MICROSECOND = timedelta(microseconds=1)


class InvalidDates(UsageError):
    """Days that cannot be asked for; nothing was changed."""


class NothingLoaded(UserError):
    """There is nothing to compute over."""


class DayStopped(CheckFailed):
    """A data test failed for a day; its set of history is as it was."""


@dataclass(frozen=True, slots=True)
class BackfillDay:
    """A day of history and the instant it is computed for."""

    snapshot_date: date
    as_of: datetime


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """How many days were computed, and how many had been before."""

    computed: int
    known: int


def run_backfill(
    settings: Settings, first: date, last: date, *, clock: datetime, again: bool = False
) -> BackfillResult:
    """Compute the history of each day from `first` to `last`, both included.

    Days that a backfill has computed over what is loaded now are left out, unless `again`. What
    stops it loses the day under way only: the same call goes on from there, whatever has been
    loaded meanwhile. Raises WrongDays, NothingLoaded, DayStopped, BuildFailed, DatabaseError, or
    RunInProgress when another run or backfill is.
    """
    if first > last:
        raise InvalidDates(f"{first} is after {last}: write the earlier day after --from.")
    prepare_home(settings)
    database = open_database(settings)
    zone = ZoneInfo(settings.group_timezone)
    with backfill_lock(database):
        with database.connect() as conn:
            _assert_over(last, zone, _now(conn, clock))
            if not ledger.any_loaded(conn):
                raise NothingLoaded(
                    "Nothing is loaded yet, so there is no history to compute: load a delivery "
                    "first with `atendimento run --source PATH`."
                )
            asked = days_between(first, last, zone)
            began_at = _begin(conn, first, last, again)
            due = _not_done(conn, asked, began_at, again)
        _compute(settings, database, due)
        with database.connect() as conn:
            conn.execute("delete from ops.backfill_in_progress")
    return BackfillResult(computed=len(due), known=len(asked) - len(due))


def days_between(first: date, last: date, zone: ZoneInfo) -> list[BackfillDay]:
    """Each day of the zone from `first` to `last`. One that the zone skipped is left out."""
    dates = (first + timedelta(days=after) for after in range((last - first).days + 1))
    return [BackfillDay(day, end) for day in dates if (end := end_of_day(day, zone))]


def end_of_day(day: date, zone: ZoneInfo) -> datetime | None:
    """The last microsecond on whose date it is `day` there; None when the zone skipped the day.

    Where clocks go back over midnight, that is the later of the two ends of the evening.
    """

    def is_on_day(instant: datetime) -> bool:
        return instant.astimezone(zone).date() == day

    midnight = datetime.combine(day + timedelta(days=1), time_of_day.min, zone)
    ends = [midnight.replace(fold=fold).astimezone(UTC) - _MICROSECOND for fold in (0, 1)]
    end = max((end for end in ends if is_on_day(end)), default=None)
    if end is None:
        return None
    # Where clocks go forward over midnight, from before it to after it, the last instant before
    # the change is later than either.
    for step in (timedelta(minutes=1), timedelta(seconds=1)):
        while is_on_day(end + step):
            end += step
    return end


def _now(conn: psycopg.Connection, clock: datetime) -> datetime:
    """The clock, or the instant of what is published when that is later."""
    row = conn.execute(
        "select as_of from ops.publication order by publication_id desc limit 1"
    ).fetchone()
    return max(clock, row[0]) if row else clock


def _assert_over(last: date, zone: ZoneInfo, now: datetime) -> None:
    today = now.astimezone(zone).date()
    if last >= today:
        raise InvalidDates(
            f"{last} is not over yet in {zone.key}: history is computed as of the end of a day. "
            f"The last day that can be asked for is {today - timedelta(days=1)}."
        )


def _begin(conn: psycopg.Connection, first: date, last: date, again: bool) -> datetime:
    """When this backfill began: now, or when it was called before and did not end."""
    asked = [first, last, again]
    row = conn.execute(
        "select started_at from ops.backfill_in_progress"
        " where first_date = %s and last_date = %s and is_forced = %s",
        asked,
    ).fetchone()
    if not row:
        conn.execute("delete from ops.backfill_in_progress")
        row = conn.execute(
            "insert into ops.backfill_in_progress values (%s, %s, %s) returning started_at", asked
        ).fetchone()
    assert row is not None  # noqa: S101 — `returning` gives a row
    began_at: datetime = row[0]
    return began_at


def _not_done(
    conn: psycopg.Connection, asked: Sequence[BackfillDay], began_at: datetime, again: bool
) -> list[BackfillDay]:
    done = set(
        conn.execute(
            "select snapshot_date, as_of from ops.backfill_day"
            " where completed_at >= %s or not %s and last_delivery_id = %s",
            [began_at, again, ledger.last_loaded_delivery(conn)],
        ).fetchall()
    )
    return [day for day in asked if (day.snapshot_date, day.as_of) not in done]


def _compute(settings: Settings, database: Database, due: Sequence[BackfillDay]) -> None:
    began = time.monotonic()
    for number, day in enumerate(due, start=1):
        with stage(day.snapshot_date.isoformat()) as progress:
            progress.say("waiting for the run in progress")
            with run_lock(database, wait=number > 1) as held:
                progress.say("building")
                try:
                    totals = _compute_day(settings, held, day)
                except psycopg.OperationalError as error:
                    raise _stopped(day, error) from None
            if left := len(due) - number:
                seconds = round((time.monotonic() - began) / number * left)
                totals += f"; {left} more, about {timedelta(seconds=seconds)}"
            progress.say(totals)


def _stopped(day: BackfillDay, error: psycopg.OperationalError) -> DatabaseError:
    full = isinstance(error, psycopg.errors.DiskFull)
    said, then = (
        ("its disk is full", "Make room there")
        if full
        else ("it was stopped or could not be reached", "Look whether it runs")
    )
    return DatabaseError(
        f"The database ended the backfill at {day.snapshot_date}: {said}. The history of that day "
        f"is as it was, finished days stay. {then}; then the same command does the others."
    )


def _compute_day(settings: Settings, database: Warehouse, day: BackfillDay) -> str:
    """Build the totals of a day and make them its set of history; say them."""
    with database.connect() as conn, conn.transaction():
        delivery = ledger.last_loaded_delivery(conn)
        # What a stopped run left there must not stand beside what is built for another instant.
        conn.execute("drop schema if exists marts_next cascade")
    outcomes = build(database, day.as_of, settings.home / "dbt", select=["+totalizer"])
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        raise DayStopped(
            f"Data tests stopped the backfill at {day.snapshot_date}: "
            + "; ".join(f"{test.name} ({test.failures} rows)" for test in failed)
            + ". The history of that day is as it was."
        )
    with database.connect() as conn, conn.transaction():
        conn.execute("set local synchronous_commit = on")
        database.assert_held()
        record_history(conn, day.snapshot_date)
        conn.execute(
            "insert into ops.backfill_day (snapshot_date, as_of, last_delivery_id)"
            " values (%s, %s, %s)",
            [day.snapshot_date, day.as_of, delivery],
        )
        counted = conn.execute(
            "select totalizer, sum(agenda_count) from history.totalizer_history"
            " where snapshot_date = %s group by totalizer"
            ' order by totalizer collate "C"',
            [day.snapshot_date],
        ).fetchall()
        conn.execute("drop schema marts_next cascade")
    return ", ".join(f"{totalizer} {rows:,}" for totalizer, rows in counted) or "nothing to count"
