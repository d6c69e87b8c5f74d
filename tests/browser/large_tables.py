"""One company with as many agendas as a test asks for, made inside the database."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from tests.unit.reports.published_tables import AS_OF, TODAY, company, count_totals, insert

COMPANY = "grande"
ROWS_TO_FILTER = 5_000

_PEOPLE = """
insert into app_user (user_id, full_name, role, company_id, active)
select 'u' || i, (array['Ana', 'Élida', 'João', 'Núbia'])[1 + mod(i, 4)] || ' Moreira ' || i,
    'attendant', %(company)s, true
from generate_series(1, %(agents)s) as i
"""
_CLIENTS = """
insert into client (client_id, name, ddd, mobile, accepts_messages, is_opted_out, consent_origin)
select 'p' || i, (array['Marília', 'Otávio', 'Conceição', 'Ítalo'])[1 + mod(i, 4)]
    || (array[' dos Santos', ' Figueiredo de Albuquerque', ' Sá'])[1 + mod(i, 3)] || ' ' || i,
    '11', '9' || (80000000 + i), true, false, 'register'
from generate_series(1, %(rows)s) as i
"""
_VEHICLES = """
insert into vehicle (vehicle_id, client_id, plate, model, active)
select 'v' || i, 'p' || i, 'ABC' || 1000 + mod(i, 9000), 'Onix ' || 1 + mod(i, 2), true
from generate_series(1, %(rows)s) as i
"""
# Every bucket of the active agendas and every response of R8 that keeps an agenda open.
_AGENDAS = """
insert into agenda_status (agenda_id, company_id, contact_date, campaign_id, event_type_id, team_id,
    agent_id, client_id, vehicle_id, origin, is_open, whatsapp_status, last_sent_at, is_no_show,
    response, replied_at, days_without_reply, created_at, as_of)
select 'g' || to_char(i, 'FM00000'), %(company)s, %(today)s::date - mod(i, 30), 'c' || mod(i, 3),
    'e' || mod(i, 6), 't' || mod(i, 4), 'u' || 1 + mod(i, %(agents)s), 'p' || i,
    'v' || i, 'active', true,
    case mod(i, 8) when 6 then 'opted_out' when 7 then 'invalid_phone' else 'sent' end,
    case when mod(i, 8) < 6 then %(as_of)s - interval '1 day' * (1 + mod(i, 5)) end, false,
    case when mod(i, 8) >= 6 then 'not_sent' when mod(i, 3) = 0 then 'call_requested'
        else 'no_reply' end,
    case when mod(i, 8) < 6 and mod(i, 3) = 0 then %(as_of)s - interval '1 hour' end,
    case when mod(i, 8) < 6 and mod(i, 3) > 0 then 2 + mod(i, 3) end,
    %(as_of)s - interval '40 days', %(as_of)s
from generate_series(1, %(rows)s) as i
"""
_ON_A_LIST = """
update agenda_status set call_reason = response,
    call_detail = case when response = 'not_sent' then whatsapp_status end
"""
_CALLS = """
insert into call_list (agenda_id, company_id, agent_id, priority, position, call_reason,
    call_detail, since, phone, attempts, listed_at, as_of)
select agenda_id, company_id, agent_id,
    array_position(array['call_requested', 'no_reply', 'not_sent'], call_reason),
    row_number() over (
        partition by agent_id
        order by array_position(array['call_requested', 'no_reply', 'not_sent'], call_reason),
            agenda_id),
    call_reason, call_detail, %(as_of)s - interval '2 days', '11987654321', 0, %(as_of)s, %(as_of)s
from agenda_status
"""


def fill_large(conn: psycopg.Connection, rows: int, *, agents: int) -> None:
    """One company with `rows` active, open agendas, all on the call lists of its agents."""
    insert(conn, "company", company(COMPANY, "Concessionária Grande"))
    insert(
        conn, "source_freshness", {"table_name": "agenda", "data_until": AS_OF - timedelta(hours=1)}
    )
    for number in range(3):
        campaign = {"campaign_id": f"c{number}", "name": f"Campanha {number}", "active": True}
        insert(conn, "campaign", campaign)
    for number in range(6):
        insert(
            conn,
            "event_type",
            {
                "event_type_id": f"e{number}",
                "campaign_id": f"c{number % 3}",
                "name": f"Revisão de {number + 1}0.000 km",
            },
        )
    for number in range(4):
        insert(
            conn,
            "team",
            {
                "team_id": f"t{number}",
                "company_id": COMPANY,
                "name": f"Equipe {number}",
                "is_service_desk": True,
            },
        )
    values = {"company": COMPANY, "rows": rows, "agents": agents, "as_of": AS_OF, "today": TODAY}
    for statement in (_PEOPLE, _CLIENTS, _VEHICLES, _AGENDAS, _ON_A_LIST, _CALLS):
        conn.execute(statement, values)
    count_totals(conn)
    conn.execute("analyze")
    conn.commit()
