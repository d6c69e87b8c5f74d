"""Dates and ends of days by PostgreSQL's zone data, and whether Python's data agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from checks.zones import OFFSETS, offsets_by_python
from orchestration.postgres.zones import ends_of_days, local_date


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("America/Sao_Paulo", "2026-11-19", "2026-11-20T03:00:00"),
        # Clocks go forward over midnight, which does not exist.
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-05T02:00:00"),
        # They go back at midnight to 23:00: the day has 25 hours.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-18T03:00:00"),
        # They go back at 01:00 to midnight, which comes twice: the day ends at the first.
        ("America/Havana", "2026-10-31", "2026-11-01T04:00:00"),
        # They went back at 00:01 to 23:01: the evening, and its end, came twice.
        ("America/St_Johns", "2010-11-06", "2010-11-07T03:30:00"),
        # They went forward at 23:30 to 00:30.
        ("America/Toronto", "1919-03-30", "1919-03-31T04:30:00"),
    ],
)
def test_a_day_ends_with_its_last_microsecond(
    maintenance: psycopg.Connection, zone: str, day: str, end: str
) -> None:
    snapshot_date = date.fromisoformat(day)
    after = datetime.fromisoformat(end).replace(tzinfo=UTC)
    ((found_day, found),) = ends_of_days(maintenance, snapshot_date, snapshot_date, zone)
    assert (found_day, found) == (snapshot_date, after - timedelta(microseconds=1))
    assert local_date(maintenance, found, zone) == snapshot_date
    assert local_date(maintenance, after, zone) > snapshot_date


def test_a_day_that_a_zone_skipped_is_left_out(maintenance: psycopg.Connection) -> None:
    found = ends_of_days(maintenance, date(2011, 12, 29), date(2011, 12, 31), "Pacific/Apia")
    assert [day for day, _ in found] == [date(2011, 12, 29), date(2011, 12, 31)]


def test_the_days_of_years_are_soon_found(maintenance: psycopg.Connection) -> None:
    found = ends_of_days(maintenance, date(2024, 1, 1), date(2026, 12, 31), "America/Sao_Paulo")
    assert len(found) == 1096
    assert {end.astimezone(UTC).time().isoformat() for _, end in found} == {"02:59:59.999999"}


def test_offsets_are_the_same_by_python_and_by_postgresql(maintenance: psycopg.Connection) -> None:
    around = datetime(2026, 11, 20, 15, tzinfo=UTC)
    for zone in ("America/Sao_Paulo", "America/Noronha", "America/New_York", "Asia/Kathmandu"):
        query = "select " + OFFSETS.format(zone="%(zone)s", around="%(around)s::timestamptz")
        row = maintenance.execute(query.encode(), {"zone": zone, "around": around}).fetchone()
        assert row == (offsets_by_python(zone, around),)
    assert offsets_by_python("America/Nowhere", around) == "unknown"
