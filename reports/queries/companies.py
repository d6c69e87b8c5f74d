"""Reads companies with their parameters and local times."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.editions import Edition
from reports.filters import Filters
from reports.paths import INDEX, company_folder
from reports.view_model import Link, Parameter, Proof, Stamp


class Company(NamedTuple):
    """One company as of one time; every time is local."""

    company_id: str
    name: str
    local_date: date
    no_reply_days: int
    dispatch_grace_hours: Decimal
    stamp: Stamp
    proof: Proof

    @property
    def folder(self) -> str:
        """The folder of its pages."""
        return company_folder(self.company_id)

    @property
    def trail(self) -> tuple[Link, ...]:
        """The links from a page in its folder back to the group's report."""
        return (Link(labels.GROUP, f"../{INDEX}"),)

    @property
    def up(self) -> str:
        """The relative path from a page in its folder to the publish folder."""
        return "../../"


# `data_until` is the greatest source time of all tables.
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
    company.no_show_hours,
    company.dispatch_grace_hours,
    freshness.data_until
from company
cross join freshness
where {condition}
"""


def find_companies(conn: psycopg.Connection, filters: Filters, edition: Edition) -> list[Company]:
    """Read the companies that may be seen, ordered by name.

    Args:
        conn: A connection that reads the published tables.
        filters: Restrict the companies.
        edition: The facts of the edition, for stamp and proof.

    Returns:
        The companies.
    """
    condition = filters.of_companies("company")
    query = sql.SQL(_COMPANIES).format(condition=condition.text)
    companies = [_company(edition, *row) for row in conn.execute(query, condition.parameters)]
    return sorted(
        companies, key=lambda company: (formats.name_order(company.name), company.company_id)
    )


def _company(
    edition: Edition,
    company_id: str,
    name: str,
    timezone: str,
    local_date: date,
    no_reply_days: int,
    no_show_hours: Decimal,
    dispatch_grace_hours: Decimal,
    data_until: datetime | None,
) -> Company:
    parameters = (
        Parameter(labels.PARAMETER_NO_REPLY, formats.days(no_reply_days)),
        Parameter(labels.PARAMETER_NO_SHOW, formats.hours(no_show_hours)),
        Parameter(labels.PARAMETER_GRACE, formats.hours(dispatch_grace_hours)),
    )
    return Company(
        company_id,
        name,
        local_date,
        no_reply_days,
        dispatch_grace_hours,
        stamp_of(edition, data_until, timezone, edition.stale_hours_of(company_id)),
        Proof(edition.run_id, edition.fingerprint, parameters),
    )


def stamp_of(
    edition: Edition, data_until: datetime | None, timezone: str, stale_hours: float
) -> Stamp:
    """Build the stamp of a page in a time zone.

    Args:
        edition: The facts of the edition.
        data_until: The greatest source time of all tables.
        timezone: The time zone.
        stale_hours: How many hours old the data may be.

    Returns:
        The stamp.
    """
    generated_at = formats.local(edition.generated_at, timezone)
    following = edition.next_expected
    return Stamp(
        as_of=formats.local(edition.as_of, timezone),
        data_until=None if data_until is None else formats.local(data_until, timezone),
        generated_at=generated_at,
        generated_machine=edition.generated_at.isoformat(timespec="seconds"),
        timezone=timezone,
        stale_hours=stale_hours,
        next_expected=None if following is None else formats.local(following, timezone),
        next_machine=following.isoformat(timespec="minutes") if following else "",
    )
