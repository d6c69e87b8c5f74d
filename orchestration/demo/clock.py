"""Local time of a demo: a company's wall clock, and how its instants are written.

All instants are counted in seconds since 1970-01-01 00:00 of the company's own wall clock, so that
"at eight in the morning" is plain addition. The offset is the one in force at `as_of`: Brazilian
zones have no daylight saving time now.
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
    """The ISO date of a day's number, kept once made: a demo has a few thousand days."""

    def __missing__(self, day: int) -> str:
        text = self[day] = date.fromordinal(_EPOCH + day).isoformat()
        return text


DATES = _Dates()


def weekday(day: int) -> int:
    """Monday is 0; day 0 was a Thursday."""
    return (day + 3) % 7


def working_day(day: int) -> int:
    """The day itself, or the Monday after a Sunday."""
    return day + 1 if weekday(day) == SUNDAY else day


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of a time zone: `now` is `as_of` on it, `suffix` its offset as written."""

    now: int
    suffix: str

    @property
    def today(self) -> int:
        """The number of the local day of `as_of`."""
        return self.now // DAY

    def text(self, at: int) -> str:
        """The instant in ISO 8601, with the offset."""
        day, second = divmod(at, DAY)
        return f"{DATES[day]}{_TIMES[second]}{self.suffix}"

    def text_or_empty(self, at: int) -> str:
        """The instant, or an empty field for 0 and for what has not happened yet."""
        return self.text(at) if 0 < at <= self.now else ""


def clock_at(as_of: datetime, timezone: str) -> Clock:
    """The wall clock of a zone when it is `as_of`."""
    local = as_of.astimezone(ZoneInfo(timezone))
    wall = local.replace(tzinfo=UTC, microsecond=0)
    return Clock(now=int(wall.timestamp()), suffix=local.isoformat()[-6:])
