"""The access log page, for managers: the entries of their companies, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from reports import formats, labels
from reports.lookup import audit_log, lookup_labels
from reports.lookup.audit_log import AuditEntry
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import Choice, LookupPage, render_response

PATH = "/acessos"
_A_PAGE = 100
_LONGEST_ID = 64
_COUNTS = ("found", "listed", "page", "rows")
_CODES: dict[str, dict[str, str]] = {
    "file": lookup_labels.FILE_KINDS,
    "kind": lookup_labels.SIGN_IN_KINDS,
    "reason": lookup_labels.REASONS,
    "total": labels.TOTALIZERS,
    "why": lookup_labels.REFUSALS,
}


class Line(NamedTuple):
    """One entry as displayed."""

    at: datetime
    who: str
    action: str
    company: str
    agenda: str
    client: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLogPage(LookupPage):
    """One page of entries; `older` is the address of the next page."""

    template: ClassVar[str] = "lookup_access_log.html"

    timezone: str
    actions: tuple[Choice, ...]
    people: tuple[Choice, ...]
    lines: tuple[Line, ...]
    older: str | None


def show(visit: RequestContext) -> Response:
    """Show the page; 404 for attendants."""
    user = visit.user
    if not user.is_manager:
        raise HTTPException(404)
    asked = visit.request.query_params
    before = asked.get("antes", "")
    action, who = asked.get("acao") or None, (asked.get("quem") or "")[:_LONGEST_ID] or None
    if before and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise HTTPException(404)
    if (action and action not in lookup_labels.ACTIONS) or "\0" in (who or ""):
        raise HTTPException(404)
    with visit.keeping() as conn:
        entries = audit_log.find_entries(
            conn,
            user.company_ids,
            before=int(before) if before else None,
            count=_A_PAGE + 1,
            action=action,
            user_id=who,
        )
    visit.record("log_read", company_id=user.home_company_id)
    names: dict[str, str] = dict(
        visit.conn.execute("select user_id, full_name from app_user").fetchall()
    )
    companies: dict[str, str] = dict(
        visit.conn.execute("select company_id, name from company").fetchall()
    )
    shown = entries[:_A_PAGE]
    older = None
    if len(entries) > _A_PAGE:
        chosen = {"acao": action, "quem": who, "antes": str(shown[-1].log_id)}
        older = f"?{urlencode({key: value for key, value in chosen.items() if value})}"
    page = AuditLogPage(
        title=lookup_labels.ACCESS_LOG,
        signed=visit.signed,
        timezone=visit.config.timezone,
        actions=_choices(lookup_labels.ACTIONS, action),
        people=_choices(
            dict(sorted(names.items(), key=lambda person: formats.name_order(person[1]))), who
        ),
        lines=tuple(_line(entry, names, companies, visit.config.timezone) for entry in shown),
        older=older,
    )
    return render_response(page)


def _choices(offered: dict[str, str], chosen: str | None) -> tuple[Choice, ...]:
    return tuple(Choice(value, text, value == chosen) for value, text in offered.items())


def _line(
    entry: AuditEntry, names: dict[str, str], companies: dict[str, str], timezone: str
) -> Line:
    return Line(
        formats.local(entry.at, timezone),
        names.get(entry.user_id or "", entry.user_id or labels.NOT_AVAILABLE),
        lookup_labels.ACTIONS.get(entry.action, entry.action),
        companies.get(entry.company_id or "", entry.company_id or ""),
        entry.agenda_id or "",
        entry.client_id or "",
        said(entry.details),
    )


def said(details: Mapping[str, str]) -> str:
    """Format an entry's details; keys and codes without a label are shown as they are."""
    return " · ".join(
        lookup_labels.DETAILS.get(key, "{value}").format(value=_value(key, value))
        for key, value in details.items()
    )


def _value(key: str, value: str) -> str:
    if key in _COUNTS and value.isascii() and value.isdecimal():
        return formats.number(int(value))
    return _CODES.get(key, {}).get(value, value)
