"""R14: the filters select what was chosen, of what may be seen."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from orchestration.postgres.database import Database
from reports.filters import EVERYTHING, Access, DateRange, Filters
from tests.unit.reports.published_tables import TODAY, company, create, insert

BOTH = Access(company_ids=("c1", "c2"))
ONE = Access(company_ids=("c1",))
YESTERDAY = date(2026, 11, 19)

AGENDAS = {
    "today": {"company_id": "c1", "contact_date": TODAY, "agent_id": "a1", "campaign_id": "x"},
    "yesterday": {"company_id": "c1", "contact_date": YESTERDAY, "event_type_id": "e"},
    "other_company": {"company_id": "c2", "contact_date": TODAY, "team_id": "t", "agent_id": "a1"},
    "foreign": {"company_id": "c3", "contact_date": TODAY, "agent_id": "a1"},
}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(EVERYTHING), {"today", "yesterday", "other_company", "foreign"}),
        (Filters(BOTH), {"today", "yesterday", "other_company"}),
        (Filters(ONE), {"today", "yesterday"}),
        (Filters(Access(company_ids=())), set()),
        (Filters(ONE, company_id="c3"), set()),
        (Filters(BOTH, company_id="c2"), {"other_company"}),
        (Filters(ONE, contact_dates="today"), {"today"}),
        (Filters(ONE, contact_dates="yesterday"), {"yesterday"}),
        (Filters(ONE, contact_dates=DateRange(None, YESTERDAY)), {"yesterday"}),
        (Filters(ONE, contact_dates=DateRange(YESTERDAY, TODAY)), {"today", "yesterday"}),
        (Filters(ONE, campaign_id="x"), {"today"}),
        (Filters(ONE, event_type_id="e"), {"yesterday"}),
        (Filters(BOTH, team_id="t"), {"other_company"}),
        (Filters(BOTH, agent_id="a1"), {"today", "other_company"}),
        (Filters(ONE, without_agent=True), {"yesterday"}),
        (Filters(Access(("c1",), locked_agent_id="a1")), {"today"}),
        (Filters(Access(("c1",), locked_agent_id="a1"), agent_id="a2"), set()),
        (Filters(Access(("c1",), locked_agent_id="a1"), without_agent=True), set()),
        (Filters(BOTH, campaign_id="' or true --"), set()),
    ],
)
def test_r14_selects(agendas: psycopg.Connection, filters: Filters, expected: set[str]) -> None:
    condition = filters.of_agendas("agenda_status")
    query = sql.SQL(
        "select agenda_id from agenda_status inner join company using (company_id) where {}"
    ).format(condition.text)
    found = agendas.execute(query, condition.parameters).fetchall()
    assert {agenda_id for (agenda_id,) in found} == expected


@pytest.fixture
def agendas(database: Database):
    with database.connect() as conn:
        create(conn)
        insert(conn, "company", *(company(c, c) for c in ("c1", "c2", "c3")))
        insert(
            conn,
            "agenda_status",
            *({"agenda_id": name} | row for name, row in AGENDAS.items()),
        )
        yield conn
