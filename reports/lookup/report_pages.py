"""Renders pages of the current edition for the user, from the published tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from reports import edition_plan, editions
from reports.documents import EditionContext
from reports.filters import Filters
from reports.lookup.masking import masked_page
from reports.lookup.read_transaction import OtherEdition
from reports.lookup.request_context import RequestContext
from reports.queries import companies as queries_companies
from reports.render import policy, render
from reports.view_model import Page


def find(
    visit: RequestContext,
    folder: Path,
    path: str,
    *,
    company_id: str | None,
    is_masked: bool,
    leads_to_group: bool,
) -> Callable[[], Response]:
    """Build a page of the current edition for the user.

    Args:
        visit: The request context.
        folder: The folder of the current edition.
        path: The page's path within the edition.
        company_id: The company of the page; None for a page of the group.
        is_masked: Whether the user does not work the rows of the page.
        leads_to_group: Whether the user may open the pages of the group.

    Returns:
        A function that renders the response after the read transaction has ended.

    Raises:
        HTTPException: There is no such page (404).
        OtherEdition: The published tables are not those of the edition.
    """
    edition = editions.read_facts(folder)
    built = visit.conn.execute("select min(as_of) from company").fetchone()
    if edition is None or built != (edition.as_of,):
        raise OtherEdition
    # By default PostgreSQL plans a cursor for its first rows; here all rows are read.
    visit.conn.execute("set local cursor_tuple_fraction = 1")
    filters = Filters(access=visit.user.access, company_id=company_id)
    companies = tuple(queries_companies.find_companies(visit.conn, filters, edition))
    page = edition_plan.find_page(visit.conn, EditionContext(edition, filters, companies), path)
    if page is None:
        raise HTTPException(404)
    if not leads_to_group:
        page = _without_group(page, is_attendant=not visit.user.is_manager)
    return partial(_answer, masked_page(page) if is_masked else page)


def _without_group(page: Page, *, is_attendant: bool) -> Page:
    """Remove the links that the user may not open.

    The trail begins with the group's report, followed by the company's, which is for managers.
    """
    return replace(page, trail=page.trail[2 if is_attendant else 1 :], leads_to_group=False)


def _answer(page: Page) -> Response:
    headers = {"Content-Security-Policy": f"{policy(page.script)}; frame-ancestors 'none'"}
    return HTMLResponse(render(page), headers=headers)
