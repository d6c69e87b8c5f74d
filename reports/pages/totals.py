"""The seven totalizers of R11 with their buckets, for today's contacts and for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters, contact_day
from reports.view_model import Share


class Count(NamedTuple):
    """The numbers of agendas with contact date today and with any contact date."""

    today: int
    all_dates: int

    def plus(self, other: Count) -> Count:
        """Return the sum of both."""
        return Count(self.today + other.today, self.all_dates + other.all_dates)


NONE = Count(0, 0)

Counts = Mapping[tuple[str, str], Count]
"""The counts of one company by totalizer and bucket; missing keys are zero."""

Address = Callable[[str, str | None, bool], str]
"""Returns the link to the rows of a total (bucket None) or bucket, of today's contacts or of
all.
"""


class Clients(NamedTuple):
    """Distinct clients by totalizer and bucket (None: the whole total), and the number of rows.

    A total is not the sum of its buckets here, because a client may be in several. `rows` serves to
    verify the totals.
    """

    counts: Mapping[tuple[str, str | None], Count]
    rows: int


class Figure(NamedTuple):
    """A number and the link to exactly the rows it counts; None without rows."""

    number: int
    href: str | None


@dataclass(frozen=True, slots=True)
class TotalBucket:
    """One bucket, shown even if it is empty. `share` is None if the total has a single bucket."""

    label: str
    today: Figure
    all_dates: Figure
    clients: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Total:
    """One totalizer and its buckets."""

    code: str
    label: str
    note: str
    today: Figure
    all_dates: Figure
    clients: int
    buckets: tuple[TotalBucket, ...]


# Lateral, by company: a plain join would look up the company for each of thousands of rows.
_COUNTS = """
select
    company.company_id,
    counted.totalizer,
    counted.bucket,
    counted.today,
    counted.all_dates
from company
cross join lateral (
    select
        totalizer.totalizer,
        totalizer.bucket,
        coalesce(sum(totalizer.agenda_count) filter (where {today}), 0)::bigint as today,
        sum(totalizer.agenda_count)::bigint as all_dates
    from totalizer
    where totalizer.company_id = company.company_id and {condition}
    group by totalizer.totalizer, totalizer.bucket
) as counted
"""

# One pass: each client counts once per bucket and once per total (bucket null).
_CLIENTS = """
with once as (

    select
        totalizer_row.totalizer,
        totalizer_row.bucket,
        totalizer_row.client_id,
        bool_or({today}) as is_today,
        count(*) as row_count
    from totalizer_row
    inner join company on company.company_id = totalizer_row.company_id
    where {condition}
    group by grouping sets (
        (totalizer_row.totalizer, totalizer_row.bucket, totalizer_row.client_id),
        (totalizer_row.totalizer, totalizer_row.client_id)
    )

)

select
    totalizer,
    bucket,
    count(client_id) filter (where is_today) as today,
    count(client_id) as all_dates,
    sum(row_count)::bigint as row_count
from once
group by totalizer, bucket
"""


def find_totals(conn: psycopg.Connection, filters: Filters) -> dict[str, Counts]:
    """Read the counts of each company that has any."""
    condition = filters.of_agendas("totalizer")
    query = sql.SQL(_COUNTS).format(
        today=contact_day("totalizer", "today"), condition=condition.text
    )
    companies: dict[str, dict[tuple[str, str], Count]] = defaultdict(dict)
    for company_id, totalizer, bucket, today, all_dates in conn.execute(
        query, condition.parameters
    ):
        companies[company_id][totalizer, bucket] = Count(today, all_dates)
    return dict(companies)


def find_clients(conn: psycopg.Connection, filters: Filters) -> Clients:
    """Count the clients of all companies that the filters select, together."""
    condition = filters.of_agendas("totalizer_row")
    query = sql.SQL(_CLIENTS).format(
        today=contact_day("totalizer_row", "today"), condition=condition.text
    )
    counts: dict[tuple[str, str | None], Count] = {}
    rows = 0
    for totalizer, bucket, today, all_dates, row_count in conn.execute(query, condition.parameters):
        counts[totalizer, bucket] = Count(today, all_dates)
        rows += row_count if bucket is None else 0
    return Clients(counts, rows)


def find_loss_reasons(conn: psycopg.Connection) -> dict[str, str]:
    """Return the names of loss reasons by id."""
    return dict(conn.execute("select loss_reason_id, name from loss_reason").fetchall())


def together(companies: Iterable[Counts]) -> Counts:
    """Add up the counts of several companies."""
    sums: dict[tuple[str, str], Count] = defaultdict(lambda: NONE)
    for counts in companies:
        for key, count in counts.items():
            sums[key] = sums[key].plus(count)
    return dict(sums)


def of_total(counts: Counts, totalizer: str) -> Count:
    """Return a total as the sum of its buckets (R11), so that they always agree."""
    return sum_of(count for (of, _), count in counts.items() if of == totalizer)


def sum_of(counts: Iterable[Count]) -> Count:
    """Add up counts."""
    whole = NONE
    for count in counts:
        whole = whole.plus(count)
    return whole


def sent_today(counts: Counts) -> Share:
    """Return the share sent of the active open agendas with contact date today (R12)."""
    return Share(counts.get(("active", "sent"), NONE).today, of_total(counts, "active").today)


def buckets_of(totalizer: str, counts: Counts, loss_reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a total's buckets in display order.

    The order is that of the specification; loss reasons are ordered by frequency, with "no reason"
    last.

    Args:
        totalizer: The code of the total.
        counts: The counts, for the order and for codes without a label.
        loss_reasons: The names of loss reasons by id.

    Returns:
        The labels by bucket code.
    """
    # Codes without a label are included, or else the buckets would not add up to the total.
    counted = {bucket for of, bucket in counts if of == totalizer}
    if totalizer != "refused":
        known = labels.BUCKETS[totalizer]
        return {
            code: labels.bucket_label(totalizer, code)
            for code in (*known, *sorted(counted - known.keys()))
        }
    # A removed loss reason is shown by its id.
    named = {code: code for code in counted} | dict(loss_reasons)
    named.pop(labels.UNSPECIFIED, None)
    order = sorted(
        named.items(),
        key=lambda reason: (
            -counts.get((totalizer, reason[0]), NONE).all_dates,
            formats.name_order(reason[1]),
            reason[0],
        ),
    )
    unspecified = labels.bucket_label(totalizer, labels.UNSPECIFIED)
    return dict(order) | {labels.UNSPECIFIED: unspecified}


def build_totals(
    counts: Counts, clients: Clients, loss_reasons: Mapping[str, str], address: Address
) -> tuple[Total, ...]:
    """Label the counts, in the order of the specification, and link each to its rows.

    Args:
        counts: The counts.
        clients: The numbers of clients.
        loss_reasons: The names of loss reasons by id.
        address: Returns the link of a number to its rows.

    Returns:
        The totals.
    """
    return tuple(
        _total(totalizer, counts, clients, buckets_of(totalizer, counts, loss_reasons), address)
        for totalizer in labels.TOTALIZERS
    )


def figures(
    count: Count, totalizer: str, bucket: str | None, address: Address
) -> tuple[Figure, Figure]:
    """Link the two numbers of a count to their rows.

    Args:
        count: The count.
        totalizer: The code of the total.
        bucket: The bucket, or None for the whole total.
        address: Returns the link of a number to its rows.

    Returns:
        Today's number and that of all dates.
    """
    return (
        Figure(count.today, address(totalizer, bucket, True) if count.today else None),
        Figure(count.all_dates, address(totalizer, bucket, False) if count.all_dates else None),
    )


def _total(
    totalizer: str,
    counts: Counts,
    clients: Clients,
    named: Mapping[str, str],
    address: Address,
) -> Total:
    whole = of_total(counts, totalizer)

    def bucket(code: str, label: str) -> TotalBucket:
        count = counts.get((totalizer, code), NONE)
        return TotalBucket(
            label,
            *figures(count, totalizer, code, address),
            clients.counts.get((totalizer, code), NONE).all_dates,
            Share(count.all_dates, whole.all_dates) if len(named) > 1 else None,
        )

    return Total(
        totalizer,
        labels.TOTALIZERS[totalizer],
        labels.TOTALIZER_NOTES[totalizer],
        *figures(whole, totalizer, None, address),
        clients.counts.get((totalizer, None), NONE).all_dates,
        tuple(bucket(code, label) for code, label in named.items()),
    )
