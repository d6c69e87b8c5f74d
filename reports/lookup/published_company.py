"""A company as it is published now, with the instant that everything shown was computed for."""

from __future__ import annotations

import psycopg
from starlette.exceptions import HTTPException

from reports.editions import Edition
from reports.filters import Filters
from reports.lookup.users import User
from reports.queries import companies
from reports.queries.companies import Company


def company_of(conn: psycopg.Connection, user: User, company_id: str) -> Company:
    """A company that the user may see, in its local clock; not found otherwise."""
    instant = conn.execute(
        "select as_of from company where company_id = %s", [company_id]
    ).fetchone()
    if instant is None:
        raise HTTPException(404)
    edition = Edition(as_of=instant[0], generated_at=instant[0], run_id="")
    found = companies.find_companies(
        conn, Filters(access=user.access, company_id=company_id), edition
    )
    if not found:
        raise HTTPException(404)
    return found[0]
