"""What became of the runs: each one's outcome, and the last thirty days at a glance."""

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
    """A run and how it ended; times are the group's. `kind` names an error told to a person, and
    `sentence` is the first line of what it said.
    """

    run_id: str
    ended_at: datetime
    as_of: datetime | None
    active_agendas: int | None
    outcome: str
    kind: str
    sentence: str


class RunTraces(NamedTuple):
    """What a run left in `ops`, as the query finds it."""

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
    """How a run or a day ended: a sign and a word, never a colour alone."""

    code: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the table of runs. `reason` is Portuguese, `sentence` the program's own English."""

    ended_at: datetime
    mark: RunMark
    as_of: datetime | None
    agendas: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RunDay:
    """One of the last days; without a mark it is from before the first run."""

    day: date
    weekday: str
    mark: RunMark | None
    runs: str
    agendas: str


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """What a mark says at full length."""

    mark: RunMark
    meaning: str


# A delivery loaded outside of a run has no run id.
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
    """The runs of the last days, the one that ended last first."""
    first = now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time.min, ZoneInfo(timezone))
    traces = map(RunTraces._make, conn.execute(_RUNS, {"since": since}))
    runs = [run_of(found, timezone) for found in traces]
    return sorted(runs, key=lambda run: (run.ended_at, run.run_id), reverse=True)


def find_first_day(conn: psycopg.Connection, timezone: str) -> date | None:
    """The date of the first run of all, in the group's time zone."""
    found = conn.execute(_FIRST_RUN).fetchone()
    return formats.local(found[0], timezone).date() if found and found[0] else None


def run_of(traces: RunTraces, timezone: str) -> Run:
    """How a run ended, by what it left.

    What was published stands, whatever failed after it. A failed run whose checks blocked was
    stopped by them. One that left neither is under way, or died.
    """
    if traces.published_at is not None:
        outcome = "zero" if traces.active_agendas == 0 else "published"
    elif traces.failed_at is not None:
        outcome = "stopped" if traces.is_blocked else "failed"
    else:
        outcome = "unfinished"
    ended_at = traces.published_at or traces.failed_at or traces.seen_at
    if ended_at is None:
        raise ValueError("a run without any trace")
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
    """The mark of an outcome; `none` is a day without a run."""
    words = labels.RUN_OUTCOMES.get(outcome, labels.NO_RUN)
    return RunMark(outcome, words.sign, words.words)


LEGEND = tuple(LegendEntry(mark_of(code), words) for code, words in labels.RUN_LEGEND.items())


def line_of(run: Run) -> RunLine:
    """A run in words. What an error says that was not written for a person is not told: it may
    repeat the values of rows.
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
    """The last days, the oldest first; `runs` begin with the one that ended last."""
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
    """How many runs of a day ended how, when it says more than the day's mark."""
    counts = Counter(run.outcome for run in runs)
    if counts.total() < 2:
        return ""
    return ", ".join(
        f"{formats.number(counts[code])} {words.one if counts[code] == 1 else words.many}"
        for code, words in labels.RUN_OUTCOMES.items()
        if counts[code]
    )
