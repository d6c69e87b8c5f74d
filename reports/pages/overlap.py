"""How far the totals overlap: agendas in more than one of them.

Passive contacts are excluded, because they are not agendas.
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
"""The number of agendas in exactly these totals."""


@dataclass(frozen=True, slots=True)
class OverlapRow:
    """A total, and how many of its agendas are also in each preceding total."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The share of agendas in several totals, and the overlap of every pair of totals."""

    in_several: Share
    columns: tuple[str, ...]
    rows: tuple[OverlapRow, ...]


# Totals are encoded as bits, so that those of an agenda are combined in one pass.
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
    """Count the combinations of totals in all companies that the filters select."""
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
