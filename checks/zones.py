"""Offsets of time zones by Python's zone data and by PostgreSQL's, which may be of two releases."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = 365

# PostgreSQL's expression for `offsets_by_python`; `{zone}` and `{around}` are expressions.
OFFSETS = """(
    select
        string_agg(
            cast(
                cast(
                    extract(epoch from (day at time zone {{zone}}) - (day at time zone 'UTC'))
                    as integer
                ) as text
            ),
            ' ' order by day
        )
    from
        generate_series(
            {{around}} - interval '{hours} hours',
            {{around}} + interval '{hours} hours',
            interval '24 hours'
        ) as days (day)
)""".format(hours=24 * _DAYS)


def offsets_by_python(zone: str, around: datetime) -> str:
    """Return the offset of a zone, in seconds, on each day from a year before to a year after."""
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "unknown"
    days = (around + timedelta(days=day) for day in range(-_DAYS, _DAYS + 1))
    offsets = (day.astimezone(there).utcoffset() or timedelta() for day in days)
    return " ".join(str(int(offset.total_seconds())) for offset in offsets)
