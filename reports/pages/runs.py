"""The results of the runs: one by one, and day by day for the last thirty days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from reports import formats, labels

DAYS = 30
LAST_RUNS = 15


class Run(NamedTuple):
    """A run and its result; times are in the group's time zone.

    `kind` is the exception's type, `sentence` the first line of its message.
    """

    run_id: str
    ended_at: datetime
    as_of: datetime | None
    active_agendas: int | None
    outcome: str
    kind: str
    sentence: str


class RunTraces(NamedTuple):
    """The rows that a run left in `ops`."""

    run_id: str
    published_at: datetime | None
    failed_at: datetime | None
    seen_at: datetime | None
    as_of: datetime | None
    active_agendas: int | None
    kind: str
    sentence: str
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class RunMark:
    """The result of a run or a day: a sign and a word, never only a colour."""

    code: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A row of the table of runs. `reason` is Portuguese, `sentence` the English error message."""

    ended_at: datetime
    mark: RunMark
    as_of: datetime | None
    agendas: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RunDay:
    """One of the last days; `mark` is None before the first run."""

    day: date
    weekday: str
    mark: RunMark | None
    runs: str
    agendas: str


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """The explanation of a mark."""

    mark: RunMark
    meaning: str


# A delivery loaded outside a run has no run id.
_RUNS = """
with publication as (

    select distinct on (run_id) run_id, published_at, as_of, active_agendas
    from ops.publication
    where published_at >= %(since)s
    order by run_id, publication_id desc

), failure as (

    select run_id, failed_at, kind, split_part(message, chr(10), 1) as sentence
    from ops.run_failure
    where failed_at >= %(since)s

), delivery as (

    select run_id, max(coalesce(finished_at, started_at)) as seen_at
    from ops.delivery
    where started_at >= %(since)s and run_id <> ''
    group by run_id

), checked as (

    select run_id, max(checked_at) as seen_at, max(as_of) as as_of,
        bool_or(blocking and not passed) as is_blocked
    from ops.check_result
    where checked_at >= %(since)s
    group by run_id

), run as (

    select run_id from publication
    union
    select run_id from failure
    union
    select run_id from delivery
    union
    select run_id from checked

)

select
    run.run_id,
    publication.published_at,
    failure.failed_at,
    greatest(delivery.seen_at, checked.seen_at) as seen_at,
    coalesce(publication.as_of, checked.as_of) as as_of,
    publication.active_agendas,
    coalesce(failure.kind, '') as kind,
    coalesce(failure.sentence, '') as sentence,
    coalesce(checked.is_blocked, false) as is_blocked
from run
left join publication on publication.run_id = run.run_id
left join failure on failure.run_id = run.run_id
left join delivery on delivery.run_id = run.run_id
left join checked on checked.run_id = run.run_id
"""

_FIRST_RUN = """
select least(
    (select min(published_at) from ops.publication),
    (select min(failed_at) from ops.run_failure),
    (select min(started_at) from ops.delivery)
)
"""


def find_runs(conn: psycopg.Connection, now: datetime, timezone: str) -> list[Run]:
    """Find the runs of the last days, newest first.

    Args:
        conn: A connection that reads the `ops` tables.
        now: The current time.
        timezone: The group's time zone.

    Returns:
        The runs.
    """
    first = now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time.min, ZoneInfo(timezone))
    traces = map(RunTraces._make, conn.execute(_RUNS, {"since": since}))
    runs = [run_of(found, timezone) for found in traces]
    return sorted(runs, key=lambda run: (run.ended_at, run.run_id), reverse=True)


def find_first_day(conn: psycopg.Connection, timezone: str) -> date | None:
    """Return the date of the first run ever, in the group's time zone."""
    found = conn.execute(_FIRST_RUN).fetchone()
    return formats.local(found[0], timezone).date() if found and found[0] else None


def run_of(traces: RunTraces, timezone: str) -> Run:
    """Derive a run's result from the rows that it left.

    A published run counts as published, whatever failed afterwards. A failed run with failed
    blocking checks was stopped by them. A run that neither published nor failed is in progress or
    has crashed.
    """
    if traces.published_at is not None:
        outcome = "zero" if traces.active_agendas == 0 else "published"
    elif traces.failed_at is not None:
        outcome = "stopped" if traces.is_blocked else "failed"
    else:
        outcome = "unfinished"
    ended_at = traces.published_at or traces.failed_at or traces.seen_at
    if ended_at is None:
        raise ValueError("the run left no rows")
    return Run(
        run_id=traces.run_id,
        ended_at=formats.local(ended_at, timezone),
        as_of=formats.local(traces.as_of, timezone) if traces.as_of else None,
        active_agendas=traces.active_agendas,
        outcome=outcome,
        kind=traces.kind if traces.published_at is None else "",
        sentence=traces.sentence if traces.published_at is None else "",
    )


def mark_of(outcome: str) -> RunMark:
    """Return the mark of a result; `none` is a day without a run."""
    words = labels.RUN_OUTCOMES.get(outcome, labels.NO_RUN)
    return RunMark(outcome, words.sign, words.words)


LEGEND = tuple(LegendEntry(mark_of(code), words) for code, words in labels.RUN_LEGEND.items())


def line_of(run: Run) -> RunLine:
    """Format a run.

    The message is shown only for errors whose messages are written for users; others may contain
    row values.
    """
    is_told = run.kind in labels.FAILURE_KINDS
    reason = labels.FAILURE_KINDS.get(run.kind, labels.UNEXPLAINED_FAILURE)
    return RunLine(
        ended_at=run.ended_at,
        mark=mark_of(run.outcome),
        as_of=run.as_of,
        agendas="" if run.active_agendas is None else formats.number(run.active_agendas),
        reason=reason if run.outcome in ("failed", "stopped") else "",
        sentence=run.sentence if is_told else "",
    )


def days(runs: Sequence[Run], today: date, first_day: date | None) -> tuple[RunDay, ...]:
    """Return the last days, oldest first.

    Args:
        runs: The runs, newest first.
        today: The group's current date.
        first_day: The date of the first run ever.

    Returns:
        The days.
    """
    of_day: dict[date, list[Run]] = {}
    for run in runs:
        of_day.setdefault(run.ended_at.date(), []).append(run)
    wanted = (today - timedelta(days=ago) for ago in reversed(range(DAYS)))
    return tuple(_day(day, of_day, first_day) for day in wanted)


def _day(day: date, of_day: Mapping[date, Sequence[Run]], first_day: date | None) -> RunDay:
    runs = of_day.get(day, ())
    mark = None
    if runs:
        mark = mark_of(runs[0].outcome)
    elif first_day is not None and day > first_day:
        mark = mark_of("none")
    counted = [run.active_agendas for run in runs if run.active_agendas is not None]
    return RunDay(
        day=day,
        weekday=labels.WEEKDAYS[day.weekday()],
        mark=mark,
        runs=_counts(runs),
        agendas=formats.agendas(counted[0]) if counted else "",
    )


def _counts(runs: Iterable[Run]) -> str:
    """Say how many runs of a day had each result, if there was more than one."""
    counts = Counter(run.outcome for run in runs)
    if counts.total() < 2:
        return ""
    return ", ".join(
        f"{formats.number(counts[code])} {words.one if counts[code] == 1 else words.many}"
        for code, words in labels.RUN_OUTCOMES.items()
        if counts[code]
    )
