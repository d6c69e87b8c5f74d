"""Local time of a company, as demo data uses and writes it.

Times are seconds since 1970-01-01 00:00 on the company's wall clock, so that they can be added. The
offset is the one in force at `as_of`: Brazilian zones have no daylight saving time now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 3_600
DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
SUNDAY = 6

_TIMES = tuple(
    f"T{hour:02d}:{minute:02d}:{second:02d}"
    for hour in range(24)
    for minute in range(60)
    for second in range(60)
)


class _Dates(dict[int, str]):
    """The ISO date of a day number, cached: a demo has a few thousand days."""

    def __missing__(self, day: int) -> str:
        text = self[day] = date.fromordinal(_EPOCH + day).isoformat()
        return text


DATES = _Dates()


def weekday(day: int) -> int:
    """Return the weekday of a day number, where Monday is 0 (day 0 was a Thursday)."""
    return (day + 3) % 7


def working_day(day: int) -> int:
    """Return the day itself, or the Monday after a Sunday."""
    return day + 1 if weekday(day) == SUNDAY else day


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of a time zone: `now` is `as_of`, `suffix` the offset as written."""

    now: int
    suffix: str

    @property
    def today(self) -> int:
        """The day number of `as_of`."""
        return self.now // DAY

    def text(self, at: int) -> str:
        """Format a time in ISO 8601, with the offset."""
        day, second = divmod(at, DAY)
        return f"{DATES[day]}{_TIMES[second]}{self.suffix}"

    def text_or_empty(self, at: int) -> str:
        """Format a time; empty for 0 and for times after `as_of`."""
        return self.text(at) if 0 < at <= self.now else ""


def clock_at(as_of: datetime, timezone: str) -> Clock:
    """Return the wall clock of a time zone at `as_of`."""
    local = as_of.astimezone(ZoneInfo(timezone))
    wall = local.replace(tzinfo=UTC, microsecond=0)
    return Clock(now=int(wall.timestamp()), suffix=local.isoformat()[-6:])
