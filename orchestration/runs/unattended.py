"""Runs nobody asked for by hand: a schedule's, a sensor's, and the second try of one that died.

A person may ask for any instant, also for one in the past. A run that is late, because it waited
or is tried again, must not lead readers back behind what they have seen; but the delivery that it
loads must not stay hidden either. So it computes for the instant that is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import psycopg

# A run that only renews what is published: the counts of its day stay as they were counted.
KEEPS_HISTORY = {"atendimento/keeps_history": "true"}

_TAGS = ("dagster/schedule_name", "dagster/sensor_name", "dagster/retry_number")


def is_unattended(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags was asked for by no person."""
    return any(tag in tags for tag in _TAGS)


def keeps_history(tags: Mapping[str, str]) -> bool:
    """Whether the run only renews what is published."""
    return tags.items() >= KEEPS_HISTORY.items()


def published_as_of(conn: psycopg.Connection) -> datetime | None:
    """The instant that is published, unless it is still to come: nobody waits for that."""
    row = conn.execute(
        "select as_of from ops.publication order by publication_id desc limit 1"
    ).fetchone()
    return row[0] if row and row[0] <= datetime.now(UTC) else None
