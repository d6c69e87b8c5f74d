"""The seven totalizers of R11 with their buckets, for the contacts of today and for all.

Belongs here: the part of a page that shows totals, its query and its builder. Does not: how a
row falls into a bucket (R6–R11 are SQL), nor a whole page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters, contact_day
from reports.pages.page import Share


class Count(NamedTuple):
    """Agendas with contact date today, and with any contact date."""

    today: int
    all_dates: int


NONE = Count(0, 0)

Counts = Mapping[tuple[str, str], Count]
"""The counts of one company by totalizer and bucket; what is missing is zero."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket, shown even when it is empty."""

    label: str
    count: Count


@dataclass(frozen=True, slots=True)
class Total:
    """One totalizer and the buckets that it consists of."""

    code: str
    label: str
    note: str
    buckets: tuple[Bucket, ...]

    @property
    def count(self) -> Count:
        """R11: the total is the sum of its buckets, so it cannot disagree with them."""
        return Count(
            sum(bucket.count.today for bucket in self.buckets),
            sum(bucket.count.all_dates for bucket in self.buckets),
        )


_COUNTS = """
select
    totalizer.company_id,
    totalizer.totalizer,
    totalizer.bucket,
    coalesce(sum(totalizer.agenda_count) filter (where {today}), 0)::bigint as today,
    sum(totalizer.agenda_count)::bigint as all_dates
from totalizer
inner join company on company.company_id = totalizer.company_id
where {condition}
group by totalizer.company_id, totalizer.totalizer, totalizer.bucket
"""


def find(conn: psycopg.Connection, filters: Filters) -> dict[str, Counts]:
    """The counts of each company that has any."""
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


def find_loss_reasons(conn: psycopg.Connection) -> dict[str, str]:
    """The name of each loss reason by its id."""
    return dict(conn.execute("select loss_reason_id, name from loss_reason").fetchall())


def build(counts: Counts, loss_reasons: Mapping[str, str]) -> tuple[Total, ...]:
    """Label the counts in the order of the specification."""
    return tuple(
        Total(
            totalizer,
            label,
            labels.TOTALIZER_NOTES[totalizer],
            _buckets(totalizer, counts, loss_reasons),
        )
        for totalizer, label in labels.TOTALIZERS.items()
    )


def sent_today(counts: Counts) -> Share:
    """R12: the share sent, of the active open agendas with contact date today."""
    whole = sum(count.today for (totalizer, _), count in counts.items() if totalizer == "active")
    return Share(counts.get(("active", "sent"), NONE).today, whole)


def _buckets(totalizer: str, counts: Counts, loss_reasons: Mapping[str, str]) -> tuple[Bucket, ...]:
    # A code that has no label must not disappear: the total would be short of it.
    counted = {bucket: count for (of, bucket), count in counts.items() if of == totalizer}
    if totalizer == "refused":
        return _refused_buckets(counted, loss_reasons)
    known = labels.BUCKETS[totalizer]
    codes = [*known, *sorted(counted.keys() - known.keys())]
    return tuple(
        Bucket(labels.bucket_label(totalizer, code), counted.get(code, NONE)) for code in codes
    )


def _refused_buckets(
    counted: Mapping[str, Count], loss_reasons: Mapping[str, str]
) -> tuple[Bucket, ...]:
    # The most frequent reason first; the id of a reason that was dropped is shown as it is.
    named = {code: code for code in counted} | dict(loss_reasons)
    named.pop(labels.UNSPECIFIED, None)
    reasons = [Bucket(name, counted.get(code, NONE)) for code, name in named.items()]
    reasons.sort(key=lambda reason: (-reason.count.all_dates, formats.name_order(reason.label)))
    unspecified = Bucket(
        labels.bucket_label("refused", labels.UNSPECIFIED),
        counted.get(labels.UNSPECIFIED, NONE),
    )
    return (*reasons, unspecified)
