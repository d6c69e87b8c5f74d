"""The published tables, made by hand and filled with rows that a page must survive.

Belongs here: the columns of domain.md, section 4 and the dimensions beside them, as the pages
read them, and one small group of companies. Does not: any rule; the rows are simply stated.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import sql

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 09:00 in São Paulo, 08:00 in Manaus
TODAY = date(2026, 11, 20)
HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnirts desrever\u202c",
    "مرحبا بالعالم",
    "=1+1",
    "{{ page }} {% raw %}",
    "Maria " + "da Silva " * 33,
)

DDL = """
create table company (company_id text, name text, timezone text, no_reply_days integer,
    no_show_hours numeric, dispatch_grace_hours numeric, local_date date, as_of timestamptz);
create table app_user (user_id text, login text, full_name text, role text, company_id text,
    active boolean);
create table user_company (user_id text, company_id text);
create table team (team_id text, company_id text, name text, is_service_desk boolean);
create table campaign (campaign_id text, name text, active boolean);
create table event_type (event_type_id text, campaign_id text, name text);
create table loss_reason (loss_reason_id text, name text);
create table client (client_id text, name text, ddd text, mobile text, landline text, email text,
    accepts_messages boolean);
create table vehicle (vehicle_id text, client_id text, plate text, model text, active boolean);
create table source_freshness (table_name text, data_until timestamptz, as_of timestamptz);
create table agenda_status (agenda_id text, company_id text, contact_date date, campaign_id text,
    event_type_id text, team_id text, agent_id text, client_id text, vehicle_id text, origin text,
    is_open boolean, whatsapp_status text, whatsapp_cause text, last_sent_at timestamptz,
    is_no_show boolean, no_show_kind text, no_show_at timestamptz, cycle_start timestamptz,
    response text, loss_reason_id text, replied_at timestamptz, days_without_reply integer,
    booking_id text, booked_for timestamptz, call_reason text, call_detail text,
    as_of timestamptz);
create table passive_contact_status (contact_id text, company_id text, contact_date date,
    client_id text, is_ambiguous boolean, bucket text, agenda_id text, booking_id text,
    as_of timestamptz);
create table totalizer (company_id text, contact_date date, campaign_id text, event_type_id text,
    team_id text, agent_id text, totalizer text, bucket text, agenda_count bigint,
    as_of timestamptz);
create table totalizer_history (snapshot_date date, company_id text, totalizer text, bucket text,
    agenda_count bigint, as_of timestamptz);
create table sending_alarm (company_id text, cause text, agenda_count bigint,
    oldest_since timestamptz, as_of timestamptz);
create table call_list (agenda_id text, company_id text, agent_id text, priority integer,
    position bigint, call_reason text, call_detail text, since timestamptz, phone text,
    attempts bigint, last_attempt_at timestamptz, last_outcome text, as_of timestamptz);
create table no_show_return (booking_id text, agenda_id text, company_id text,
    no_show_at timestamptz, as_of timestamptz);
create table dispatch_due (agenda_id text, company_id text, purpose text, as_of timestamptz);
"""


def create(conn: psycopg.Connection, schema: str = "marts_next") -> None:
    """Make the empty tables and let unqualified names mean them."""
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    conn.execute(sql.SQL("set search_path = {}").format(sql.Identifier(schema)))
    conn.execute(DDL)
    conn.commit()


def insert(conn: psycopg.Connection, table: str, *rows: dict[str, object]) -> None:
    """Insert rows; columns that are not named are null, `as_of` is the edition's."""
    for given in rows:
        row = dict(given)
        if table in _WITH_AS_OF:
            row.setdefault("as_of", AS_OF)
        conn.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            ),
            row,
        )


_WITH_AS_OF = {
    "company",
    "source_freshness",
    "agenda_status",
    "totalizer",
    "sending_alarm",
    "call_list",
}


def company(company_id: str, name: str, **columns: object) -> dict[str, object]:
    """A company in São Paulo with the parameters of the specification."""
    return {
        "company_id": company_id,
        "name": name,
        "timezone": "America/Sao_Paulo",
        "no_reply_days": 2,
        "no_show_hours": 2,
        "dispatch_grace_hours": 12,
        "local_date": TODAY,
    } | columns


def total(
    company_id: str, totalizer: str, bucket: str, agenda_count: int, contact_date: date = TODAY
) -> dict[str, object]:
    """A row of `totalizer`."""
    return {
        "company_id": company_id,
        "totalizer": totalizer,
        "bucket": bucket,
        "agenda_count": agenda_count,
        "contact_date": contact_date,
        "campaign_id": "revisao",
        "event_type_id": "r10",
    }


def call(
    conn: psycopg.Connection,
    company_id: str,
    agent_id: str | None,
    position: int,
    *,
    listed: dict[str, object],
    agenda: dict[str, object],
) -> None:
    """A row of `call_list` and its agenda."""
    key = {
        "company_id": company_id,
        "agent_id": agent_id,
        "agenda_id": f"{company_id}/{agent_id}/{position}",
    }
    reason = {name: listed.get(name) for name in ("call_reason", "call_detail")}
    insert(
        conn,
        "agenda_status",
        {
            "contact_date": TODAY,
            "campaign_id": "revisao",
            "event_type_id": "r10",
            "whatsapp_status": "other",
        }
        | key
        | reason
        | agenda,
    )
    insert(conn, "call_list", {"position": position, "attempts": 0} | key | listed)


def fill(conn: psycopg.Connection) -> None:
    """A group of three companies: one busy, one in another zone, one where nothing happened."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    insert(
        conn,
        "company",
        company("c1", "Oficina <Centro>"),
        company("c2", "Águas Claras", timezone="America/Manaus", no_reply_days=1),
        company("c3", "Zona Norte"),
    )
    insert(
        conn,
        "source_freshness",
        {"table_name": "agenda", "data_until": AS_OF - hour},
        {"table_name": "dispatch", "data_until": AS_OF - hour / 4},
    )
    insert(
        conn,
        "app_user",
        *(
            {"user_id": user, "full_name": name, "role": role, "company_id": of, "active": active}
            for user, name, role, of, active in (
                ("a1", "Maria Souza", "attendant", "c1", True),
                ("a2", "Ávila, João", "attendant", "c1", True),
                ("a3", "Saiu Semana Passada", "attendant", "c1", False),
                ("m1", "Gerente Que Também Liga", "manager", "c1", True),
                ("m2", "Gerente", "manager", "c2", True),
            )
        ),
    )
    insert(conn, "campaign", {"campaign_id": "revisao", "name": "Revisões", "active": True})
    insert(
        conn, "event_type", {"event_type_id": "r10", "campaign_id": "revisao", "name": "10.000 km"}
    )
    insert(
        conn,
        "loss_reason",
        {"loss_reason_id": "l1", "name": "Preço"},
        {"loss_reason_id": "l2", "name": "Vendeu o veículo"},
    )
    insert(
        conn,
        "client",
        *({"client_id": f"p{i}", "name": name} for i, name in enumerate(HOSTILE_NAMES)),
    )
    insert(
        conn,
        "vehicle",
        {"vehicle_id": "v1", "client_id": "p0", "plate": "ABC1D23", "model": "Onix 1.0"},
        {"vehicle_id": "v2", "client_id": "p1", "model": "<b>Gol</b>"},
    )
    insert(
        conn,
        "totalizer",
        total("c1", "active", "sent", 1234),
        total("c1", "active", "sent", 4321, TODAY - day),
        total("c1", "active", "opted_out", 3),
        total("c1", "active", "other", 9),
        total("c1", "no_show", "automatic", 4, TODAY - day),
        total("c1", "passive", "booking_registered", 5),
        total("c1", "refused", "l2", 2),
        total("c1", "refused", "gone", 7, TODAY - day),
        total("c1", "refused", "unspecified", 11),
        total("c1", "booked", "booked", 6),
        total("c1", "call_requested", "call_requested", 1),
        total("c1", "no_reply", "3+", 8, TODAY - 4 * day),
        total("c2", "active", "invalid_phone", 1),
    )
    insert(
        conn,
        "sending_alarm",
        {
            "company_id": "c1",
            "cause": "queued",
            "agenda_count": 1,
            "oldest_since": AS_OF - 2 * day,
        },
        {"company_id": "c1", "cause": "not_queued", "agenda_count": 2345},
    )
    call(
        conn,
        "c1",
        "a1",
        1,
        listed={
            "call_reason": "call_requested",
            "since": AS_OF - 22 * hour,
            "phone": "11987654321",
            "attempts": 2,
            "last_attempt_at": AS_OF - hour,
            "last_outcome": "no_answer",
        },
        agenda={
            "client_id": "p0",
            "vehicle_id": "v1",
            "whatsapp_status": "sent",
            "last_sent_at": AS_OF - 23 * hour,
            "replied_at": AS_OF - 22 * hour,
        },
    )
    call(
        conn,
        "c1",
        "a1",
        2,
        listed={"call_reason": "no_reply", "since": AS_OF - 2 * day, "phone": "1134567890"},
        agenda={
            "client_id": "p1",
            "vehicle_id": "v2",
            "whatsapp_status": "sent",
            "last_sent_at": AS_OF - 2 * day,
            "days_without_reply": 2,
        },
    )
    call(
        conn,
        "c1",
        "a1",
        3,
        listed={"call_reason": "not_sent", "call_detail": "invalid_phone", "since": AS_OF - day},
        agenda={"client_id": "p2", "whatsapp_status": "invalid_phone"},
    )
    call(
        conn,
        "c1",
        "gone/../<agent>",
        1,
        listed={"call_reason": "not_sent", "call_detail": "other", "since": AS_OF - day},
        agenda={"client_id": "p6", "whatsapp_cause": "queued"},
    )
    call(
        conn,
        "c1",
        "m1",
        1,
        listed={"call_reason": "not_sent", "call_detail": "opted_out", "since": AS_OF - day},
        agenda={"client_id": "p3", "whatsapp_status": "opted_out"},
    )
    call(
        conn,
        "c2",
        None,
        1,
        listed={"call_reason": "not_sent", "call_detail": "invalid_phone", "since": AS_OF - day},
        agenda={"campaign_id": "dropped", "whatsapp_status": "invalid_phone"},
    )
    conn.commit()


def fill_many(conn: psycopg.Connection, lists: Iterable[str], rows_a_list: int) -> None:
    """One company with many lists, for measuring."""
    insert(conn, "company", company("big", "Grande"))
    insert(conn, "campaign", {"campaign_id": "revisao", "name": "Revisões", "active": True})
    insert(
        conn, "event_type", {"event_type_id": "r10", "campaign_id": "revisao", "name": "10.000 km"}
    )
    agents = list(lists)
    conn.execute(
        """
        insert into client (client_id, name)
        select 'p' || i, 'Cliente de Nome Comum ' || i from generate_series(1, 1000) as i
        """
    )
    conn.execute(
        """
        with numbered as (
            select agent_id, position, agent_id || '-' || position as agenda_id
            from unnest(%(agents)s::text[]) as agent_id, generate_series(1, %(rows)s) as position
        ), listed as (
            insert into call_list (company_id, agent_id, position, agenda_id, priority, call_reason,
                since, phone, attempts, last_attempt_at, last_outcome, as_of)
            select 'big', agent_id, position, agenda_id, 2, 'no_reply',
                %(as_of)s - interval '2 days', '11987654321', 1,
                %(as_of)s - interval '2 hours', 'busy', %(as_of)s
            from numbered
        )
        insert into agenda_status (company_id, agent_id, agenda_id, contact_date, campaign_id,
            event_type_id, client_id, whatsapp_status, last_sent_at, days_without_reply, as_of)
        select 'big', agent_id, agenda_id, %(today)s, 'revisao', 'r10',
            'p' || (1 + position %% 1000), 'sent', %(as_of)s - interval '2 days', 2, %(as_of)s
        from numbered
        """,
        {"agents": agents, "rows": rows_a_list, "as_of": AS_OF, "today": TODAY},
    )
    conn.execute("analyze")
    conn.commit()
