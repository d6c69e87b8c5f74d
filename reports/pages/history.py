"""The last 30 days of each total: a small chart, and the table of its numbers.

`totalizer_history` gets an edition's own counts only when it is published, after its pages are
written; so the last day shows the totals of the edition itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters

DAYS = 30

# Units of the SVG, which the page stretches to the available width.
_DAY_WIDTH = 10
_BAR_WIDTH = 8
_HEIGHT = 48
_LOWEST_BAR = 1  # distinguishes zero from a missing day, which is a gap

Sets = Mapping[date, Mapping[str, int]]
"""The totals of each day that has a snapshot; a total missing from a snapshot is zero."""


class Bars(NamedTuple):
    """SVG paths: the bars of the previous days, that of the last day, and the gaps."""

    before: str
    last: str
    gaps: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The days of one total."""

    code: str
    label: str
    title: str
    description: str
    last: int
    lowest: int
    highest: int
    bars: Bars


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """A row of the table: a day and its counts in the order of the charts.

    Without counts, it is a day without an edition, or the range to `last` of several.
    """

    first: date
    last: date | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The charts of all totals, and their table with the last day first."""

    first: date
    last: date
    charts: tuple[Chart, ...]
    days: tuple[HistoryDay, ...]


# A snapshot covers all companies, so one without rows in it has only zeros. The days with a
# snapshot are selected first, so that the counts of a company are read by its key.
_SETS = """
with days as (

    select distinct snapshot_date
    from totalizer_history
    where snapshot_date between %(first_day)s and %(last_day)s

), counted as (

    select
        totalizer_history.snapshot_date,
        totalizer_history.totalizer,
        sum(totalizer_history.agenda_count)::bigint as agenda_count
    from totalizer_history
    where
        totalizer_history.snapshot_date between %(first_day)s and %(last_day)s
        and {condition}
    group by totalizer_history.snapshot_date, totalizer_history.totalizer

)

select
    days.snapshot_date,
    counted.totalizer,
    counted.agenda_count
from days
left join counted on counted.snapshot_date = days.snapshot_date
"""


def find_history(
    conn: psycopg.Connection, filters: Filters, last_day: date
) -> dict[date, dict[str, int]]:
    """Read the snapshots before the last day.

    Args:
        conn: A connection that reads the published tables.
        filters: The companies, which are added up.
        last_day: The date of the edition.

    Returns:
        The counts by day and total.
    """
    condition = filters.of_companies("totalizer_history")
    query = sql.SQL(_SETS).format(condition=condition.text)
    days = {"first_day": first_day(last_day), "last_day": last_day - timedelta(days=1)}
    sets: dict[date, dict[str, int]] = defaultdict(dict)
    for day, totalizer, count in conn.execute(query, {**condition.parameters, **days}):
        of_day = sets[day]
        if totalizer is not None:
            of_day[totalizer] = count
    return dict(sets)


def first_day(last_day: date) -> date:
    """Return the first day of the history."""
    return last_day - timedelta(days=DAYS - 1)


def build_history(sets: Sets, last_day: date, now: Mapping[str, int]) -> History:
    """Build the charts and their table.

    Args:
        sets: The snapshots of the previous days, from `find_history`.
        last_day: The date of the edition.
        now: The edition's own totals.

    Returns:
        The history.
    """
    first = first_day(last_day)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    known = {**sets, last_day: now}
    return History(
        first,
        last_day,
        tuple(
            _chart(
                code,
                label,
                days,
                [known[day].get(code, 0) if day in known else None for day in days],
            )
            for code, label in labels.TOTALIZERS.items()
        ),
        tuple(_table(days, known)),
    )


def _table(days: list[date], known: Sets) -> Iterator[HistoryDay]:
    """Build the rows, newest first, with consecutive days without an edition as one row."""
    for has_set, found in groupby(reversed(days), key=known.__contains__):
        run = list(found)
        if has_set:
            for day in run:
                counts = known[day]
                yield HistoryDay(
                    day, None, tuple(counts.get(code, 0) for code in labels.TOTALIZERS)
                )
        else:
            yield HistoryDay(run[-1], run[0] if len(run) > 1 else None, ())


def _chart(code: str, label: str, days: list[date], counts: list[int | None]) -> Chart:
    known = [(day, count) for day, count in zip(days, counts, strict=True) if count is not None]
    (begin, begun_with), (end, ends_with) = known[0], known[-1]
    values = [count for _, count in known]
    gaps = len(days) - len(known)
    description = labels.HISTORY_DESCRIPTION.format(
        first=formats.number(begun_with),
        first_day=formats.day(begin),
        last=formats.number(ends_with),
        last_day=formats.day(end),
        lowest=formats.number(min(values)),
        highest=formats.number(max(values)),
    )
    if gaps:
        description += labels.HISTORY_GAPS.format(count=formats.days(gaps))
    return Chart(
        code,
        label,
        labels.HISTORY_TITLE.format(total=label, days=formats.days(DAYS)),
        description,
        ends_with,
        min(values),
        max(values),
        _bars(counts),
    )


def _bars(counts: list[int | None]) -> Bars:
    highest = max((count for count in counts if count), default=1)
    drawn = [
        "" if count is None else _bar(place, count, highest) for place, count in enumerate(counts)
    ]
    gaps = [
        f"M{place * _DAY_WIDTH} 0h{_DAY_WIDTH}v{_HEIGHT}h-{_DAY_WIDTH}z"
        for place, count in enumerate(counts)
        if count is None
    ]
    return Bars("".join(drawn[:-1]), drawn[-1], "".join(gaps))


def _bar(place: int, count: int, highest: int) -> str:
    height = max(_LOWEST_BAR, round(_HEIGHT * count / highest))
    left = place * _DAY_WIDTH + (_DAY_WIDTH - _BAR_WIDTH) // 2
    return f"M{left} {_HEIGHT}v-{height}h{_BAR_WIDTH}v{height}z"
