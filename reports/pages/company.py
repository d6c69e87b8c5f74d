"""A company as the pages need it: its name, its parameters and its local clock.

Belongs here: the query that every page of a company starts from. Does not: a page.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.pages.page import Link, Stamp
from reports.paths import INDEX, company_folder


class Company(NamedTuple):
    """One company at one instant; both instants are local clock times."""

    company_id: str
    name: str
    timezone: str
    local_date: date
    no_reply_days: int
    dispatch_grace_hours: Decimal
    as_of: datetime
    data_until: datetime | None

    @property
    def stamp(self) -> Stamp:
        """The age of the facts, in the company's time."""
        return Stamp(self.as_of, self.data_until, self.timezone)

    @property
    def folder(self) -> str:
        """The folder of its pages."""
        return company_folder(self.company_id)

    @property
    def trail(self) -> tuple[Link, ...]:
        """The way from a page in its folder back to the index."""
        return (Link(labels.ALL_COMPANIES, f"../{INDEX}"),)


# `data until` is the greatest source time of all tables, in each company's clock.
_COMPANIES = """
with freshness as (

    select max(data_until) as data_until
    from source_freshness

)

select
    company.company_id,
    company.name,
    company.timezone,
    company.local_date,
    company.no_reply_days,
    company.dispatch_grace_hours,
    company.as_of at time zone company.timezone as as_of,
    freshness.data_until at time zone company.timezone as data_until
from company
cross join freshness
where {condition}
"""


def find(conn: psycopg.Connection, filters: Filters) -> list[Company]:
    """The companies that may be seen, in the order of their names."""
    condition = filters.of_companies("company")
    query = sql.SQL(_COMPANIES).format(condition=condition.text)
    companies = map(Company._make, conn.execute(query, condition.parameters))
    return sorted(
        companies, key=lambda company: (formats.name_order(company.name), company.company_id)
    )
