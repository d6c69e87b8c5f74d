"""The Ficha of one agenda, with phones masked for users who do not work the agenda."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from reports import phrases
from reports.filters import Filters
from reports.lookup import audit_log, lookup_labels, published_company
from reports.lookup.filter_params import FilterParams
from reports.lookup.grid_rows import FICHA_PATH, ficha_address
from reports.lookup.masking import REASONS, masked_ficha, reason_of, works
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import Choice, LookupPage, render_response
from reports.pages import ficha
from reports.pages.ficha import Ficha
from reports.queries.agendas import AgendaRow, find_agendas
from reports.queries.ficha import find_ficha_facts

PATH = FICHA_PATH
SHORT_PATH = f"{FICHA_PATH}/{{agenda_id:path}}"
"""A shorter path to type by hand; an id consisting of dots cannot be used here."""
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupFichaPage(LookupPage):
    """One Ficha. `reveal` is the address that shows its phones; empty when they are shown."""

    template: ClassVar[str] = "lookup_ficha.html"

    company_name: str
    ficha: Ficha
    back: str
    reveal: str
    reasons: tuple[Choice, ...] = REASONS


def show(visit: RequestContext) -> Response:
    """Show the Ficha, with phones masked for users who do not work the agenda."""
    row = _find(visit)
    _record(visit, "ficha_opened", row)
    # The number of a card is shown to whoever calls it, whose agenda it is notwithstanding.
    calls = row.call_position is not None and works(visit.user, row.list_agent_id)
    return _answer(visit, row, is_open=calls or works(visit.user, row.agent_id))


def reveal(visit: RequestContext) -> Response:
    """Show the Ficha with its phones, and record user and reason in the access log."""
    row = _find(visit)
    _record(visit, "phone_revealed", row, reason=reason_of(visit.form))
    return _answer(visit, row, is_open=True)


def _find(visit: RequestContext) -> AgendaRow:
    asked = visit.request.query_params.get("agenda", "")
    agenda_id: str = visit.request.path_params.get("agenda_id", asked)
    company_id = visit.request.query_params.get("empresa") or None
    if len(agenda_id) > _LONGEST_ID or "\0" in agenda_id:
        raise HTTPException(404)
    if company_id is not None and company_id not in visit.user.company_ids:
        raise HTTPException(404)
    filters = Filters(access=visit.user.access, company_id=company_id)
    found = find_agendas(visit.conn, filters, [agenda_id])
    if not found:
        raise HTTPException(404)
    return found[0]


def _record(
    visit: RequestContext, action: audit_log.Action, row: AgendaRow, **details: str
) -> None:
    visit.record(
        action,
        company_id=row.company_id,
        agenda_id=row.agenda_id,
        client_id=row.client_id,
        **details,
    )


def _answer(visit: RequestContext, row: AgendaRow, *, is_open: bool) -> Response:
    company = published_company.company_of(visit.conn, visit.user, row.company_id)
    facts = find_ficha_facts(visit.conn, [row])
    made = ficha.build_ficha(phrases.phrases_of(company, row), facts)
    page = LookupFichaPage(
        title=lookup_labels.FICHA,
        signed=visit.signed,
        company_name=company.name,
        ficha=made if is_open else masked_ficha(made),
        back=FilterParams(row.company_id).address(),
        reveal="" if is_open else ficha_address(row.company_id, row.agenda_id),
    )
    return render_response(page)
