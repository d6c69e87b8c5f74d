# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""An agenda's row and its company as a page gets them, to be varied by tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from reports.queries.agendas import AgendaRow
from reports.queries.companies import Company, stamp_of
from reports.view_model import Proof
from tests.unit.reports.published_tables import AS_OF, EDITION, TODAY

COMPANY = Company(
    company_id="c1",
    name="Oficina <Centro>",
    local_date=TODAY,
    no_reply_days=2,
    dispatch_grace_hours=Decimal("12"),
    stamp=stamp_of(EDITION, AS_OF - timedelta(minutes=15), "America/Sao_Paulo", 24),
    proof=Proof(EDITION.run_id, "0123456789abcdef"),
)
SENT = datetime(2026, 11, 18, 9, 12)
NO_SHOW = datetime(2026, 11, 19, 11, 0)

_KNOWN: dict[str, Any] = {
    "company_id": "c1",
    "agenda_id": "g1",
    "agent_id": "a1",
    "contact_date": TODAY,
    "event_type": "Revisão",
    "campaign": "Revisões",
    "origin": "active",
    "is_open": True,
    "whatsapp_status": "other",
    "whatsapp_cause": "not_queued",
    "response": "not_sent",
    "since": datetime(2026, 11, 20),
    "client_id": "p1",
    "client_name": "Maria",
    "vehicle_model": "Onix",
    "vehicle_plate": "ABC1D23",
}
_UNLISTED = AgendaRow(**(dict.fromkeys(AgendaRow._fields) | _KNOWN))

LISTED = _UNLISTED._replace(
    list_agent_id="a1",
    card=1,
    call_position=1,
    call_reason="not_sent",
    call_detail="other",
    phone="11987654321",
    attempts=0,
)
WAITING = _UNLISTED._replace(
    wait_position=1,
    wait_reason="dispatch_grace",
    whatsapp_cause="queued",
    callable_at=datetime(2026, 11, 20, 12),
)
ON_NO_LIST = _UNLISTED._replace(is_open=False, call_obstacle="closed", since=None)
