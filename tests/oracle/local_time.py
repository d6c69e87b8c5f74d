"""Local dates, local midnights and hours ("Local" in domain.md, section 2).

All instants are aware datetimes; Python compares and subtracts aware datetimes of *different* zones
by instant but those of one zone by wall clock, so every instant is first brought to UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

_MICROSECOND = timedelta(microseconds=1)


def utc(instant: datetime) -> datetime:
    """The instant, on the UTC clock."""
    return instant.astimezone(UTC)


def clock(instant: datetime, zone: str) -> datetime:
    """What the wall clock of the zone shows at that instant, without a zone."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def local_date(instant: datetime, zone: str) -> date:
    """The date in the zone at that instant."""
    return clock(instant, zone).date()


@cache
def local_midnight(day: date, zone: str) -> datetime:
    """The first instant of that date in the zone, in UTC.

    Within any stretch of constant UTC offset the date is not before `day` from one instant on:
    midnight by that offset, or the start of the stretch. So the first instant is the earliest of
    these over the stretches around the date, whether midnight is skipped, repeated or neither.
    (Of a date that a zone skipped whole, the first instant after it.)
    """
    midnight = datetime.combine(day, time(0), UTC)
    return min(
        max(start, midnight - offset)
        for start, end, offset in _stretches(midnight - timedelta(days=2), 96, zone)
        if max(start, midnight - offset) < end
    )


def _stretches(
    first: datetime, hours: int, zone: str
) -> list[tuple[datetime, datetime, timedelta]]:
    """The stretches of constant offset in that many hours from `first`: start, end, offset."""
    end = first + timedelta(hours=hours)
    starts = [first]
    for number in range(hours):
        before = first + timedelta(hours=number)
        after = before + timedelta(hours=1)
        if _offset(before, zone) != _offset(after, zone):
            starts.append(_change(before, after, zone))
    return [
        (start, stop, _offset(start, zone))
        for start, stop in zip(starts, [*starts[1:], end], strict=True)
    ]


def _change(before: datetime, after: datetime, zone: str) -> datetime:
    """The first instant with the later offset, between two instants whose offsets differ."""
    old = _offset(before, zone)
    while after - before > _MICROSECOND:
        middle = before + (after - before) // 2
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(instant: datetime, zone: str) -> timedelta:
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset


def whole_days(earlier: datetime, later: datetime) -> int:
    """R3. Whole periods of 24 elapsed hours between two instants."""
    return (utc(later) - utc(earlier)) // timedelta(days=1)


def hours_after(instant: datetime, hours: Decimal) -> datetime:
    """The instant that many hours later; hours may have a fraction."""
    microseconds = (hours * 3_600_000_000).to_integral_value()
    return utc(instant) + timedelta(microseconds=int(microseconds))
