"""When the next edition is to be made."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestration.runs.cron import next_edition_at
from orchestration.settings import Settings


@pytest.mark.parametrize(
    ("after", "following"),
    [
        ("2026-11-20T10:30:00-03:00", "2026-11-20T11:00:00-03:00"),
        ("2026-11-20T10:59:59-03:00", "2026-11-20T11:00:00-03:00"),
        ("2026-11-20T19:30:00-03:00", "2026-11-21T06:00:00-03:00"),
        ("2026-11-21T19:30:00-03:00", "2026-11-22T06:00:00-03:00"),  # no refresh on a Sunday
        ("2026-11-20T13:30:00+00:00", "2026-11-20T11:00:00-03:00"),
    ],
)
def test_the_next_edition_is_that_of_the_schedule_that_comes_first(
    after: str, following: str
) -> None:
    found = next_edition_at(Settings(), datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(following)


def test_it_follows_the_clock_of_the_group() -> None:
    settings = Settings(group_timezone="Europe/Lisbon", morning_schedule="0 6 * * *")
    found = next_edition_at(settings, datetime.fromisoformat("2026-10-24T22:00:00+01:00"))
    # The clocks go back that night.
    assert found == datetime.fromisoformat("2026-10-25T06:00:00+00:00")
