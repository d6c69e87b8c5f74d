"""Searches clients, and says why each is or is not to be called today.

The search text is posted and kept in memory, so that no table holds it, and no URL, which proxies
and browsers log; the URL has its number in the session. Of each client found in a company one
agenda is shown: the one on a call list, else one that is waiting, else the latest open one, else
the latest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from starlette.responses import RedirectResponse, Response

from reports import formats, labels, phrases
from reports.filters import Filters
from reports.lookup import lookup_labels, published_company
from reports.lookup.grid_rows import ficha_address
from reports.lookup.masking import masked, works
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import LookupPage, render_response
from reports.queries.agendas import AgendaRow, find_agendas
from reports.queries.companies import Company

PATH = "/busca"
_NUMBER = "n"
_IS_NUMBER = re.compile("[0-9]{1,6}")
_LONGEST = 200
_MOST = 30


class Found(NamedTuple):
    """A search result and its status; without an agenda in that company there is no Ficha."""

    client: str
    ficha: str
    company: str
    agenda_id: str
    vehicle: str
    phone: str
    kind: str
    standing: str
    why: str
    further: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage(LookupPage):
    """The results, best first; `is_cut` when there may be more."""

    template: ClassVar[str] = "lookup_search.html"

    sought: str
    found: tuple[Found, ...]
    is_cut: bool


class Hit(NamedTuple):
    """A search hit of the database, with the agenda to show and how many there are."""

    company_id: str
    client_id: str | None
    agenda_id: str | None
    in_all: int


# Every table is read under the user's row security policies; the function returns ids only. With
# part of a number a manager finds only rows that they work, or else the digits of a masked number
# could be guessed one by one. The score of a number is the share of it that was typed; without
# its DDD it is 0.8.
_SEARCH = """
with hit as (

    select hit.*
    from search(%(sought)s, %(most)s) with ordinality
        as hit (kind, company_id, client_id, agenda_id, score, place)

)

select
    hit.company_id,
    hit.client_id,
    coalesce(hit.agenda_id, best.agenda_id) as agenda_id,
    coalesce(best.in_all, 0) as in_all
from hit
left join lateral (
    select
        agenda_status.agenda_id,
        agenda_status.agent_id,
        count(*) over () as in_all
    from agenda_status
    left join call_list using (company_id, agenda_id)
    left join call_waiting using (company_id, agenda_id)
    where
        agenda_status.company_id = hit.company_id
        and agenda_status.client_id = hit.client_id
    order by
        call_list.position,
        call_waiting.position,
        agenda_status.is_open desc,
        agenda_status.contact_date desc,
        agenda_status.agenda_id collate "C"
    limit 1
) as best on true
where
    hit.kind <> 'phone'
    or hit.score >= 0.8
    or not %(is_manager)s
    or (best.agenda_id is not null and coalesce(best.agent_id, %(reader)s) = %(reader)s)
order by hit.place
"""
_CLIENTS = """
select client_id, name, concat_ws(' ', ddd, mobile), landline
from client
where client_id = any(%s)
"""


def post_search(visit: RequestContext) -> Response:
    """Keep the search text and redirect to its results, or to the empty form."""
    sought = visit.form.get("q", "").replace("\0", "")[:_LONGEST].strip()
    if not sought:
        return RedirectResponse(PATH, 303)
    number = visit.services.searches.add(visit.session.key, sought)
    return RedirectResponse(f"{PATH}?{_NUMBER}={number}", 303)


def show(visit: RequestContext) -> Response:
    """Show the results of the numbered search of the session, or the empty form."""
    number = visit.request.query_params.get(_NUMBER, "")
    sought, hits = "", []
    if _IS_NUMBER.fullmatch(number):
        sought = visit.services.searches.read(visit.session.key, int(number))
    if sought:
        hits = _find(visit, sought)
        visit.record("searched", company_id=visit.user.home_company_id, found=str(len(hits)))
    page = SearchPage(
        title=lookup_labels.SEARCH,
        signed=visit.signed,
        sought=sought,
        found=tuple(_say(visit, hits)),
        is_cut=len(hits) >= _MOST,
    )
    return render_response(page)


def _find(visit: RequestContext, sought: str) -> list[Hit]:
    given = {
        "sought": sought,
        "most": _MOST,
        "is_manager": visit.user.is_manager,
        "reader": visit.user.user_id,
    }
    rows = visit.conn.execute(_SEARCH, given)
    # The same agenda may be found by its id and by its client.
    return list(dict.fromkeys(Hit._make(row) for row in rows))


def _say(visit: RequestContext, hits: Sequence[Hit]) -> list[Found]:
    companies = {
        company_id: published_company.company_of(visit.conn, visit.user, company_id)
        for company_id in dict.fromkeys(hit.company_id for hit in hits)
    }
    ids = [hit.agenda_id for hit in hits if hit.agenda_id is not None]
    rows = {
        (row.company_id, row.agenda_id): row
        for row in find_agendas(visit.conn, Filters(access=visit.user.access), ids)
    }
    clients: dict[str, tuple[str | None, str, str | None]] = {
        client_id: (name, mobile, landline)
        for client_id, name, mobile, landline in visit.conn.execute(
            _CLIENTS, [[hit.client_id for hit in hits]]
        )
    }
    said = []
    for hit in hits:
        company = companies[hit.company_id]
        row = rows.get((hit.company_id, hit.agenda_id or ""))
        if row is not None:
            said.append(_of_agenda(visit, company, row, hit.in_all))
        elif hit.client_id in clients:
            said.append(_without_agenda(visit, company, *clients[hit.client_id]))
    return said


def _of_agenda(visit: RequestContext, company: Company, row: AgendaRow, in_all: int) -> Found:
    standing = phrases.standing_of(company, row)
    phone = formats.phone(row.phone) if row.phone else f"{row.ddd or ''} {row.mobile or ''}".strip()
    return Found(
        row.client_name or labels.NO_CLIENT,
        ficha_address(row.company_id, row.agenda_id),
        company.name,
        row.agenda_id,
        phrases.vehicle(row.vehicle_model, row.vehicle_plate),
        _phone(phone or row.landline or "", is_open=works(visit.user, row.agent_id)),
        standing.kind,
        standing.words,
        standing.why,
        max(in_all - 1, 0),
    )


def _without_agenda(
    visit: RequestContext, company: Company, name: str | None, mobile: str, landline: str | None
) -> Found:
    """Describe a client whom the user knows only by a passive contact."""
    return Found(
        name or labels.NO_CLIENT,
        "",
        company.name,
        "",
        "",
        _phone(mobile or landline or "", is_open=not visit.user.is_manager),
        "none",
        labels.STANDING_NONE,
        lookup_labels.WHY_NO_AGENDA,
        0,
    )


def _phone(number: str, *, is_open: bool) -> str:
    shown = number or labels.NOT_GIVEN
    return shown if is_open else masked(shown)
