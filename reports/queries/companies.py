"""A company as the pages need it: its name, its parameters and its local clock."""

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
    """One company at one instant; every time is a local clock time."""

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
        """The way from a page in its folder back to the group's page."""
        return (Link(labels.GROUP, f"../{INDEX}"),)

    @property
    def up(self) -> str:
        """The way from a page in its folder to the publish folder."""
        return "../../"


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
    company.no_show_hours,
    company.dispatch_grace_hours,
    freshness.data_until
from company
cross join freshness
where {condition}
"""


def find_companies(conn: psycopg.Connection, filters: Filters, edition: Edition) -> list[Company]:
    """The companies that may be seen, in the order of their names."""
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
    """The age of an edition's facts as the clock of a time zone shows it."""
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
