"""Pages of the current edition, rendered for their reader from the published tables."""

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
    """Build a page for the reader, as the edition's writer builds it for everybody.

    Args:
        visit: The reader and their transaction.
        folder: The folder of the current edition.
        path: The page's path within it.
        company_id: The company that the page is of; None for a page of the group.
        is_masked: Whether the reader does not work the rows of the page.
        leads_to_group: Whether the reader may open the pages of the group.

    Returns:
        What renders the answer once the reading has ended.

    Raises:
        HTTPException: There is no such page (404).
        OtherEdition: The published tables are not those of the edition.

    """
    edition = editions.read_facts(folder)
    built = visit.conn.execute("select min(as_of) from company").fetchone()
    if edition is None or built != (edition.as_of,):
        raise OtherEdition
    # A cursor is planned for its first rows unless told that all will be read.
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
    """The page without the ways to what its reader may not open.

    The trail begins with the group's report and goes on with the company's, which is a manager's.
    """
    return replace(page, trail=page.trail[2 if is_attendant else 1 :], leads_to_group=False)


def _answer(page: Page) -> Response:
    headers = {"Content-Security-Policy": f"{policy(page.script)}; frame-ancestors 'none'"}
    return HTMLResponse(render(page), headers=headers)
