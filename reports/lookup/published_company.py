"""Reads a company of the current edition with its as_of and parameters."""

from __future__ import annotations

import psycopg
from starlette.exceptions import HTTPException

from reports.editions import Edition
from reports.filters import Filters
from reports.lookup.users import User
from reports.queries import companies
from reports.queries.companies import Company


def company_of(conn: psycopg.Connection, user: User, company_id: str) -> Company:
    """Read a company at its local time.

    Args:
        conn: A connection that reads the published tables.
        user: The signed-in user.
        company_id: The company.

    Returns:
        The company.

    Raises:
        HTTPException: 404 if it does not exist or the user may not see it.
    """
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
