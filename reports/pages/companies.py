"""The index: every company of the group, with what a manager asks first.

Belongs here: one line a company. Does not: anything of a single company's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import psycopg

from reports import labels
from reports.pages import totals
from reports.pages.company import Company
from reports.pages.manager_day import AlarmCount, ListCount
from reports.pages.page import Link, Page, Share, Stamp
from reports.pages.totals import Counts
from reports.paths import INDEX


@dataclass(frozen=True, slots=True)
class CompanyLine:
    """One company in the index."""

    link: Link
    sent_today: Share
    calls: int
    has_alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompaniesPage(Page):
    """The index of an edition."""

    template: ClassVar[str] = "companies.html"

    companies: tuple[CompanyLine, ...]


def find_stamp(conn: psycopg.Connection, as_of: object, timezone: str) -> Stamp:
    """The age of the facts, in the group's clock."""
    row = conn.execute(
        """
        select
            %(as_of)s::timestamptz at time zone %(timezone)s as as_of,
            (select max(data_until) from source_freshness) at time zone %(timezone)s as data_until
        """,
        {"as_of": as_of, "timezone": timezone},
    ).fetchone()
    assert row is not None  # noqa: S101 — a select without from has one row
    return Stamp(row[0], row[1], timezone)


def build(
    stamp: Stamp,
    companies: Iterable[Company],
    counts: Mapping[str, Counts],
    alarms: Mapping[str, Sequence[AlarmCount]],
    lists: Mapping[str, Sequence[ListCount]],
) -> CompaniesPage:
    """One line a company, in the order given."""
    return CompaniesPage(
        title=labels.ALL_COMPANIES,
        trail=(),
        stamp=stamp,
        companies=tuple(
            CompanyLine(
                link=Link(company.name, f"{company.folder}/{INDEX}"),
                sent_today=totals.sent_today(counts.get(company.company_id, {})),
                calls=sum(
                    entry.call_requested + entry.no_reply + entry.not_sent
                    for entry in lists.get(company.company_id, ())
                ),
                has_alarm=bool(alarms.get(company.company_id)),
            )
            for company in companies
        ),
    )
