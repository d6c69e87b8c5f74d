"""How far the totals overlap: agendas that stand in more than one of them.

Passive contacts are no agendas and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from reports import labels
from reports.filters import Filters
from reports.view_model import Share

AGENDA_TOTALS = tuple(code for code in labels.TOTALIZERS if code != "passive")

Combinations = Mapping[frozenset[str], int]
"""How many agendas stand in exactly these totals."""


@dataclass(frozen=True, slots=True)
class OverlapRow:
    """A total, and how many of its agendas stand in each of the totals before it."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Agendas in more than one total, of those in any; and every pair of totals once."""

    in_several: Share
    columns: tuple[str, ...]
    rows: tuple[OverlapRow, ...]


# A total is a bit of a number, so that an agenda's totals are put together in one pass.
_COMBINATIONS = """
with together as (

    select bit_or(1 << (array_position(%(totals)s::text[], totalizer_row.totalizer) - 1)) as totals
    from totalizer_row
    inner join company on company.company_id = totalizer_row.company_id
    where totalizer_row.totalizer = any(%(totals)s) and {condition}
    group by totalizer_row.company_id, totalizer_row.agenda_id

)

select
    totals,
    count(*) as agenda_count
from together
group by totals
"""


def find_overlaps(conn: psycopg.Connection, filters: Filters) -> dict[frozenset[str], int]:
    """The combinations of totals that occur in all companies that the filters choose."""
    condition = filters.of_agendas("totalizer_row")
    query = sql.SQL(_COMBINATIONS).format(condition=condition.text)
    parameters = {**condition.parameters, "totals": list(AGENDA_TOTALS)}
    return {
        frozenset(code for place, code in enumerate(AGENDA_TOTALS) if bits >> place & 1): count
        for bits, count in conn.execute(query, parameters)
    }


def build_overlap(combinations: Combinations) -> Overlap:
    """Count each pair of totals."""

    def both(one: str, other: str) -> int:
        return sum(count for totals, count in combinations.items() if {one, other} <= totals)

    return Overlap(
        Share(
            sum(count for totals, count in combinations.items() if len(totals) > 1),
            sum(combinations.values()),
        ),
        tuple(labels.TOTALIZERS[code] for code in AGENDA_TOTALS[:-1]),
        tuple(
            OverlapRow(
                labels.TOTALIZERS[code], tuple(both(code, other) for other in AGENDA_TOTALS[:place])
            )
            for place, code in enumerate(AGENDA_TOTALS)
            if place
        ),
    )
