"""The rows of a total under the filters of the screen, one page or all of them.

Rows are ordered by bucket in the order of the total, then by contact date and id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from reports.filters import Filters
from reports.pages import counted_rows
from reports.pages.counted_rows import ListedRow
from reports.queries.companies import Company
from reports.queries.total_rows import CountedRow, find_total_rows, stream_total_rows

ROWS_A_PAGE = 100
FICHA_PATH = "/ficha"


@dataclass(frozen=True, slots=True)
class Span:
    """A range of rows of one bucket: `count` rows after the first `skipped`."""

    bucket: str
    skipped: int
    count: int


_IDS = """
select totalizer_row.row_id
from totalizer_row
inner join company on company.company_id = totalizer_row.company_id
where
    totalizer_row.totalizer = %(totalizer)s
    and totalizer_row.bucket = %(bucket)s
    and {condition}
order by totalizer_row.contact_date, totalizer_row.row_id collate "C"
offset %(skipped)s
limit %(count)s
"""


def spans_of(counts: Sequence[tuple[str, int]], page: int) -> Iterator[Span]:
    """Return the ranges of rows on a page; pages start at 1."""
    first = (page - 1) * ROWS_A_PAGE
    end, begins = first + ROWS_A_PAGE, 0
    for bucket, count in counts:
        skipped, until = max(first - begins, 0), min(end - begins, count)
        if until > skipped:
            yield Span(bucket, skipped, until - skipped)
        begins += count


def find_row_page(
    conn: psycopg.Connection,
    filters: Filters,
    company: Company,
    totalizer: str,
    spans: Sequence[Span],
) -> list[tuple[Span, list[ListedRow]]]:
    """Read the rows of a page.

    Args:
        conn: A connection that reads the published tables.
        filters: The filters of the selection.
        company: The company of the rows.
        totalizer: The code of the total.
        spans: The ranges of rows, from `spans_of`.

    Returns:
        The rows of each range, with links to their Fichas.
    """
    condition = filters.of_agendas("totalizer_row")
    query = sql.SQL(_IDS).format(condition=condition.text)
    ids = [
        [
            row_id
            for (row_id,) in conn.execute(
                query, {**condition.parameters, "totalizer": totalizer, **asdict(span)}
            )
        ]
        for span in spans
    ]
    every = [row_id for of_span in ids for row_id in of_span]
    found = find_total_rows(conn, filters, totalizer, every)
    said = dict(zip(found, row_cells(company, totalizer, list(found.values())), strict=True))
    return [
        (span, [said[key] for key in of_span]) for span, of_span in zip(spans, ids, strict=True)
    ]


def find_all_rows(
    conn: psycopg.Connection,
    filters: Filters,
    company: Company,
    totalizer: str,
    buckets: Sequence[str],
) -> list[ListedRow]:
    """Read every row of the given buckets, in the order of the pages.

    Args:
        conn: A connection that reads the published tables.
        filters: The filters of the selection.
        company: The company of the rows.
        totalizer: The code of the total.
        buckets: The buckets, in display order.

    Returns:
        The rows, with links to their Fichas.
    """
    places = {bucket: place for place, bucket in enumerate(buckets)}
    found = [row for row in stream_total_rows(conn, filters, totalizer) if row.bucket in places]
    found.sort(key=lambda row: (places[row.bucket], row.contact_date, row.row_id))
    return row_cells(company, totalizer, found)


def row_cells(company: Company, totalizer: str, found: Sequence[CountedRow]) -> list[ListedRow]:
    """Format rows for display.

    Args:
        company: The company of the rows.
        totalizer: The code of the total.
        found: The rows.

    Returns:
        The formatted rows, in the same order.
    """
    fichas = {
        row.agenda_id: ficha_address(company.company_id, row.agenda_id)
        for row in found
        if row.agenda_id is not None
    }
    said: dict[str, str] = {}
    return [counted_rows.listed_row(company, totalizer, row, fichas, said) for row in found]


def ficha_address(company_id: str, agenda_id: str) -> str:
    """Return the URL of an agenda's Ficha.

    Ids are in the query string, because an id may be any text and `..` in a path is resolved.
    """
    return f"{FICHA_PATH}?{urlencode({'empresa': company_id, 'agenda': agenda_id})}"
