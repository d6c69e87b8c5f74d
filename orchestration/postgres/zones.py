"""Dates and days of a time zone by PostgreSQL's zone data, which decides every published value."""

from __future__ import annotations

from datetime import date, datetime

import psycopg

# A zone whose offset changes at some midnight has its last instant of the day near to it. Offsets
# are whole minutes, and change at whole minutes.
_ENDS = """
select cast(day as date), max(minute) + interval '1 minute' - interval '1 microsecond'
from
    generate_series(
        cast(%(first)s as timestamp), cast(%(last)s as timestamp), interval '1 day'
    ) as days (day)
    cross join lateral (select (day + interval '1 day') at time zone %(zone)s as midnight) as next
    cross join lateral generate_series(
        midnight - interval '3 hours', midnight + interval '3 hours', interval '1 minute'
    ) as minutes (minute)
where cast(minute at time zone %(zone)s as date) = cast(day as date)
group by day
order by day
"""


def local_date(conn: psycopg.Connection, instant: datetime, zone: str) -> date:
    """Return the date of an instant in a zone."""
    found = conn.execute("select cast(%s at time zone %s as date)", [instant, zone]).fetchone()
    day: date = found[0]  # type: ignore[index]
    return day


def ends_of_days(
    conn: psycopg.Connection, first: date, last: date, zone: str
) -> list[tuple[date, datetime]]:
    """Return each day of a zone with the last microsecond on whose date it is that day.

    Where clocks go back over midnight, that is the later of the two ends of the evening. A day that
    the zone skipped is left out.

    Args:
        conn: Any connection to the database.
        first: The first day.
        last: The last day.
        zone: The IANA name of the zone.

    Returns:
        The days in order.
    """
    return conn.execute(_ENDS, {"first": first, "last": last, "zone": zone}).fetchall()
