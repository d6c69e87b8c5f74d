"""The rows that entered and left each total since the previous edition, by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters


class Moves(NamedTuple):
    """Moved rows by total, direction and event, and the as_of of the previous edition.

    `previous_as_of` is None if nothing moved in any company or there was no previous edition.
    """

    counts: Mapping[tuple[str, str, str], int]
    previous_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class MovementEvent:
    """The number of rows moved by one event."""

    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One total then and now; `before` is computed from `now` and the movements."""

    label: str
    before: int
    entered: int
    left: int
    now: int
    entered_by: tuple[MovementEvent, ...]
    left_by: tuple[MovementEvent, ...]


@dataclass(frozen=True, slots=True)
class Movements:
    """The movements of all totals since the previous edition; `since` is None if nothing moved."""

    since: datetime | None
    totals: tuple[Movement, ...]


_MOVES = """
select
    totalizer_movement.totalizer,
    totalizer_movement.direction,
    totalizer_movement.event,
    count(*) as row_count
from totalizer_movement
where {condition}
group by
    totalizer_movement.totalizer,
    totalizer_movement.direction,
    totalizer_movement.event
"""

# Every row has the same value.
_PREVIOUS = "select previous_as_of from totalizer_movement limit 1"


def find_movements(conn: psycopg.Connection, filters: Filters) -> Moves:
    """Read the movements of all companies that the filters select, added up."""
    condition = filters.of_companies("totalizer_movement")
    query = sql.SQL(_MOVES).format(condition=condition.text)
    counts = {
        (totalizer, direction, event): count
        for totalizer, direction, event, count in conn.execute(query, condition.parameters)
    }
    previous = conn.execute(_PREVIOUS).fetchone()
    return Moves(counts, previous[0] if previous else None)


def build_movements(moves: Moves, now: Mapping[str, int], timezone: str) -> Movements:
    """Format the movements of each total, the most frequent event first.

    Args:
        moves: The movements, from `find_movements`.
        now: The edition's totals by code.
        timezone: The time zone of the page.

    Returns:
        The movements.
    """
    return Movements(
        formats.local(moves.previous_as_of, timezone) if moves.previous_as_of else None,
        tuple(
            _movement(
                label, _events(moves, code, "entered"), _events(moves, code, "left"), now[code]
            )
            for code, label in labels.TOTALIZERS.items()
        ),
    )


def _movement(
    label: str, entered_by: tuple[MovementEvent, ...], left_by: tuple[MovementEvent, ...], now: int
) -> Movement:
    entered = sum(event.count for event in entered_by)
    left = sum(event.count for event in left_by)
    return Movement(label, now - entered + left, entered, left, now, entered_by, left_by)


def _events(moves: Moves, totalizer: str, direction: str) -> tuple[MovementEvent, ...]:
    found = [
        MovementEvent(labels.movement_event(event), count)
        for (of, where, event), count in moves.counts.items()
        if of == totalizer and where == direction
    ]
    return tuple(sorted(found, key=lambda event: (-event.count, event.words)))
