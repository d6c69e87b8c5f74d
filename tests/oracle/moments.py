"""Random instants that lie where the rules change their mind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from tests.oracle.local_time import hours_after, local_date, local_midnight
from tests.oracle.world import Parameters

# Ordinary ones first; then those whose midnight is skipped (Santiago, Cairo, Beirut, Havana,
# Sao_Paulo until 2018) or repeated (Havana, St_Johns until 2011), whose step is no whole hour
# (Lord_Howe, Troll), whose offset is none (Kathmandu, Chatham), and the two ends of the day.
ZONES = (
    *("America/Sao_Paulo", "America/Manaus", "America/Rio_Branco", "America/Noronha"),
    *("America/New_York", "Europe/Lisbon", "America/Santiago", "Africa/Cairo", "Asia/Beirut"),
    *("America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Antarctica/Troll"),
    *("Asia/Kathmandu", "Pacific/Chatham", "Pacific/Kiritimati", "Etc/GMT+12"),
    *("CET", "EET"),
)
MICROSECOND, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
_STEPS = (
    *[timedelta(0)] * 8,
    *(MICROSECOND, -MICROSECOND, SECOND, -SECOND),
    *(timedelta(minutes=17), -timedelta(minutes=17), timedelta(hours=5), -timedelta(hours=5)),
)


def clock_changes(zone: str, year: int) -> list[datetime]:
    """The instants of a year at which the zone's clock jumps."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(0, 365 * 24, 12)]
    found = []
    for early, late in pairwise(hours):
        before, after = early, late
        old = before.astimezone(ZoneInfo(zone)).utcoffset()
        if old == after.astimezone(ZoneInfo(zone)).utcoffset():
            continue
        while after - before > SECOND:
            middle = before + (after - before) // 2
            if middle.astimezone(ZoneInfo(zone)).utcoffset() == old:
                before = middle
            else:
                after = middle
        found.append(after.replace(microsecond=0))
    return found


def random_as_of(dice: Random) -> datetime:
    """An instant to compute for: on or near a local midnight or a change of the clock, or any."""
    zone, year = dice.choice(ZONES), dice.randint(2009, 2026)
    day = date(year, 1, 1) + timedelta(days=dice.randrange(365))
    midnight = local_midnight(day, zone)
    edges = [midnight, midnight + timedelta(hours=12), *clock_changes(zone, year) * 2]
    later = timedelta(hours=dice.choice((0, 0, 0, 1, 2, 12, 23, 24, 47, 48, 49)))
    anywhere = midnight + timedelta(seconds=dice.randrange(86_400))
    edge = anywhere if dice.random() < 0.2 else dice.choice(edges) + later
    return edge + dice.choice((timedelta(0), MICROSECOND, -MICROSECOND, SECOND, -SECOND))


def edges_of(company: Parameters, as_of: datetime) -> list[datetime]:
    """The instants at which something changes for a company: most are not after as_of."""
    today = local_date(as_of, company.zone)
    return [
        *[as_of] * 3,
        *(local_midnight(today + timedelta(days=days), company.zone) for days in range(-4, 1)),
        *(as_of - timedelta(days=days) for days in range(1, 5)),
        hours_after(as_of, -company.no_show_hours),
        hours_after(as_of, -company.dispatch_grace_hours),
        hours_after(as_of, -company.no_show_hours - company.dispatch_grace_hours),
        hours_after(as_of, -company.call_rest_hours),
        local_midnight(today + timedelta(days=1), company.zone),
        as_of + timedelta(days=2),
    ]


def near(dice: Random, edges: Sequence[datetime]) -> datetime:
    """One of the edges, or the smallest step beside it, or some hours away."""
    return dice.choice(edges) + dice.choice(_STEPS)
