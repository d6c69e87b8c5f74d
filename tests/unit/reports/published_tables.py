"""The published tables, made by hand and filled with rows that a page must survive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import sql

from reports.editions import Edition

# The edition of the tests: made one minute after the instant that it shows.
AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 09:00 in São Paulo, 08:00 in Manaus
TODAY = date(2026, 11, 20)
EDITION = Edition(
    as_of=AS_OF,
    generated_at=AS_OF + timedelta(minutes=1),
    run_id="11112222-run",
    stale_hours=24,
    next_expected=AS_OF + timedelta(hours=1),
)
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
    accepts_messages boolean, is_opted_out boolean, consent_origin text, consent_at timestamptz);
create table vehicle (vehicle_id text, client_id text, plate text, model text, active boolean);
create table source_freshness (table_name text, data_until timestamptz, as_of timestamptz);
create table agenda_status (agenda_id text, company_id text, contact_date date, campaign_id text,
    event_type_id text, team_id text, agent_id text, client_id text, vehicle_id text, origin text,
    is_open boolean, whatsapp_status text, whatsapp_cause text, last_sent_at timestamptz,
    is_no_show boolean, no_show_kind text, no_show_at timestamptz, cycle_start timestamptz,
    response text, loss_reason_id text, replied_at timestamptz, days_without_reply integer,
    booking_id text, booked_for timestamptz, visit_state text, replied_bucket text,
    other_detail text, call_reason text, call_detail text, call_state text, call_obstacle text,
    created_at timestamptz, closed_at timestamptz, as_of timestamptz);
create table passive_contact_status (contact_id text, company_id text, contact_date date,
    client_id text, is_ambiguous boolean, bucket text, agenda_id text, booking_id text,
    contacted_at timestamptz, as_of timestamptz);
create table totalizer (company_id text, contact_date date, campaign_id text, event_type_id text,
    team_id text, agent_id text, totalizer text, bucket text,
    bucket_detail text, agenda_count bigint, as_of timestamptz);
create table totalizer_history (snapshot_date date, company_id text, totalizer text, bucket text,
    agenda_count bigint, as_of timestamptz);
create table sending_alarm (company_id text, cause text, agenda_count bigint,
    client_count bigint,
    oldest_since timestamptz, as_of timestamptz);
create table call_list (agenda_id text, company_id text, agent_id text, agenda_agent_id text,
    client_id text, card bigint, position bigint, priority integer, call_reason text,
    call_detail text, since timestamptz, phone text, phone_kind text, own_calls bigint,
    call_back_at timestamptz, hints text[], attempts bigint,
    last_attempt_at timestamptz, last_outcome text, listed_at timestamptz,
    days_untried integer, as_of timestamptz);
create table call_waiting (company_id text, agenda_id text, agent_id text, position bigint,
    wait_reason text, since timestamptz, callable_at timestamptz, as_of timestamptz);
create table dispatch (company_id text, agenda_id text, dispatch_id text, purpose text,
    queued_at timestamptz, outcome text, sent_at timestamptz, delivered_at timestamptz,
    read_at timestamptz, failed_at timestamptz, error_code text, cause text, as_of timestamptz);
create table reply (company_id text, agenda_id text, reply_id text, dispatch_id text,
    option_id text, label text, action text, loss_reason_id text, replied_at timestamptz,
    as_of timestamptz);
create table booking (company_id text, agenda_id text, booking_id text, channel text,
    created_at timestamptz, scheduled_for timestamptz, confirmed_at timestamptz,
    arrived_at timestamptz, cancelled_at timestamptz, no_show_kind text, no_show_at timestamptz,
    as_of timestamptz);
create table call_done (company_id text, agenda_id text, agent_id text, call_state text,
    as_of timestamptz);
create table passive_waiting (company_id text, contact_id text, as_of timestamptz);
create table day_activity (company_id text, activity_date date, agent_id text, calls bigint,
    as_of timestamptz);
create table phone_call (company_id text, agenda_id text, attempt_id text, user_id text,
    called_at timestamptz, call_date date, outcome text, note text, as_of timestamptz);
create table funnel (company_id text, contact_date date, campaign_id text, event_type_id text,
    team_id text, agent_id text, funnel text, step text, agenda_count bigint, as_of timestamptz);
create table totalizer_row (company_id text, totalizer text, row_id text, agenda_id text,
    contact_date date, campaign_id text, event_type_id text, team_id text, agent_id text,
    client_id text, bucket text, bucket_detail text, as_of timestamptz);
create table totalizer_movement (company_id text, totalizer text, row_id text, agenda_id text,
    contact_date date, agent_id text, client_id text, direction text, bucket text, event text,
    previous_as_of timestamptz, as_of timestamptz);
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
    "call_waiting",
    "dispatch",
    "reply",
    "booking",
    "phone_call",
    "funnel",
    "totalizer_row",
    "totalizer_movement",
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


def agendas(
    conn: psycopg.Connection, company_id: str, name: str, count: int, **columns: object
) -> None:
    """As many agendas alike, with the clients in turn; active and open unless told otherwise."""
    insert(
        conn,
        "agenda_status",
        *(
            {
                "company_id": company_id,
                "agenda_id": f"{company_id}/{name}/{number}",
                "contact_date": TODAY,
                "campaign_id": "revisao",
                "event_type_id": "r10",
                "client_id": f"p{number % len(HOSTILE_NAMES)}",
                "origin": "active",
                "is_open": True,
                "is_no_show": False,
                "whatsapp_status": "sent",
                "response": "awaiting_reply",
                "created_at": AS_OF - timedelta(days=9),
            }
            | columns
            for number in range(1, count + 1)
        ),
    )


def count_totals(conn: psycopg.Connection) -> None:
    """Fill `totalizer_row` and `totalizer` from the agendas and passive contacts that are there."""
    conn.execute(_TOTALIZER_ROWS)
    conn.execute(
        """
        insert into totalizer
        select company_id, contact_date, campaign_id, event_type_id, team_id, agent_id, totalizer,
            bucket, count(*), as_of
        from totalizer_row
        group by company_id, contact_date, campaign_id, event_type_id, team_id, agent_id,
            totalizer, bucket, as_of
        """
    )


_TOTALIZER_ROWS = """
insert into totalizer_row
select agenda_status.company_id, total.totalizer, agenda_id, agenda_id, contact_date, campaign_id,
    event_type_id, team_id, agent_id, client_id, total.bucket,
    case when total.totalizer = 'active' then other_detail end, as_of
from agenda_status
cross join lateral (values
    ('active', origin = 'active' and is_open, whatsapp_status),
    ('no_show', is_no_show, no_show_kind),
    ('refused', origin = 'active' and response = 'refused',
        coalesce(loss_reason_id, 'unspecified')),
    ('booked', origin = 'active' and response = 'booked', coalesce(visit_state, 'to_confirm')),
    ('call_requested', origin = 'active' and is_open and response = 'call_requested', response),
    ('no_reply', origin = 'active' and is_open and response = 'no_reply',
        case when days_without_reply >= 3 then '3+' else days_without_reply::text end),
    ('replied', origin = 'active' and is_open and response = 'replied',
        coalesce(replied_bucket, 'other'))
) as total (totalizer, is_counted, bucket)
where total.is_counted
union all
select passive_contact_status.company_id, 'passive', contact_id, agenda_id,
    passive_contact_status.contact_date, agenda_status.campaign_id, agenda_status.event_type_id,
    agenda_status.team_id, agenda_status.agent_id, passive_contact_status.client_id, bucket, null,
    passive_contact_status.as_of
from passive_contact_status
left join agenda_status using (company_id, agenda_id)
"""


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
            "origin": "active",
            "is_open": True,
            "is_no_show": False,
            "response": listed["call_reason"],
        }
        | key
        | reason
        | agenda,
    )
    insert(
        conn, "call_list", {"card": position, "position": position, "attempts": 0} | key | listed
    )


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
    insert(
        conn,
        "campaign",
        {"campaign_id": "revisao", "name": "Revisões", "active": True},
        {"campaign_id": "antiga", "name": "Recall <2025>", "active": False},
    )
    insert(
        conn, "event_type", {"event_type_id": "r10", "campaign_id": "revisao", "name": "10.000 km"}
    )
    insert(
        conn,
        "team",
        {"team_id": "t1", "company_id": "c1", "name": "Balcão & Pátio", "is_service_desk": True},
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
    agendas(conn, "c1", "sent", 12, agent_id="a1")
    agendas(conn, "c1", "sent before", 9, contact_date=TODAY - day, team_id="t1")
    agendas(
        conn,
        "c1",
        "silent",
        8,
        contact_date=TODAY - 4 * day,
        response="no_reply",
        days_without_reply=4,
        campaign_id="antiga",
        event_type_id="dropped",
    )
    agendas(
        conn,
        "c1",
        "away",
        4,
        contact_date=TODAY - day,
        response="not_sent",
        is_no_show=True,
        no_show_kind="automatic",
        no_show_at=AS_OF - hour,
    )
    agendas(conn, "c1", "price", 2, response="refused", loss_reason_id="l2", is_open=False)
    agendas(
        conn,
        "c1",
        "dropped reason",
        7,
        contact_date=TODAY - day,
        response="refused",
        loss_reason_id="gone",
        is_open=False,
    )
    agendas(conn, "c1", "unspecified", 11, response="refused", is_open=False)
    agendas(
        conn,
        "c1",
        "booked",
        6,
        response="booked",
        is_open=False,
        booking_id="b1",
        booked_for=AS_OF + day,
    )
    agendas(conn, "c2", "unreachable", 1, whatsapp_status="invalid_phone", response="not_sent")
    insert(
        conn,
        "passive_contact_status",
        *(
            {
                "company_id": "c1",
                "contact_id": f"w{number}",
                "contact_date": TODAY,
                "client_id": f"p{number}",
                "is_ambiguous": number == 1,
                "bucket": "booking_registered",
                "contacted_at": AS_OF - hour,
                "as_of": AS_OF,
            }
            for number in range(1, 6)
        ),
    )
    insert(
        conn,
        "sending_alarm",
        {
            "company_id": "c1",
            "cause": "queued",
            "agenda_count": 1,
            "client_count": 1,
            "oldest_since": AS_OF - 2 * day,
        },
        {
            "company_id": "c1",
            "cause": "not_queued",
            "agenda_count": 2345,
            "client_count": 1999,
            "oldest_since": AS_OF - hour,
        },
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
    fill_histories(conn)
    fill_reports(conn)
    count_totals(conn)
    conn.commit()


def fill_histories(conn: psycopg.Connection) -> None:
    """What happened to the agendas of the lists, and who must not be phoned yet: messages,
    replies, bookings and calls at one instant, hostile notes, a list with nobody to phone now.
    """
    hour, day = timedelta(hours=1), timedelta(days=1)
    first = {"company_id": "c1", "agenda_id": "c1/a1/1"}
    second = {"company_id": "c1", "agenda_id": "c1/a1/2"}
    conn.execute(
        """
        update client
        set (ddd, mobile, landline, email, accepts_messages, is_opted_out, consent_origin) =
            ('11', '98765-4321', '1134567890', '<maria>@example.com', true, false, 'register')
        where client_id = 'p0';
        update client
        set (ddd, mobile, accepts_messages, is_opted_out, consent_origin, consent_at) =
            ('011', '9999', true, true, 'reply', timestamptz '2026-11-18 13:00Z')
        where client_id = 'p1';
        update vehicle set active = true;
        update call_list set days_untried = 1 where agenda_id = 'c1/a1/3';
        """
    )
    insert(
        conn,
        "vehicle",
        {"vehicle_id": "v3", "client_id": "p0", "model": "Uno", "active": False},
        {"vehicle_id": "v4", "client_id": "p0", "plate": "=1+1", "active": True},
    )
    sent = AS_OF - 2 * day
    message = {"purpose": "first_contact", "outcome": "sent"}
    insert(
        conn,
        "dispatch",
        first
        | message
        | {
            "dispatch_id": "d1",
            "queued_at": AS_OF - 23 * hour,
            "sent_at": AS_OF - 23 * hour,
            "delivered_at": AS_OF - 23 * hour,
            "read_at": AS_OF - 22.5 * hour,
        },
        first
        | {
            "dispatch_id": "d0",
            "purpose": "no_show",
            "outcome": "failed",
            "queued_at": AS_OF - 3 * day,
            "failed_at": AS_OF - 3 * day,
            "error_code": "131026",
            "cause": "no_whatsapp",
        },
        second
        | message
        | {
            "dispatch_id": "d2",
            "queued_at": sent - hour,
            "sent_at": sent,
            "delivered_at": sent + hour / 60,
        },
        second | message | {"dispatch_id": "d1", "queued_at": sent - hour, "sent_at": sent},
    )
    insert(
        conn,
        "reply",
        first
        | {
            "reply_id": "r1",
            "dispatch_id": "d1",
            "label": "Ligue <b>já</b>",
            "action": "call_me",
            "replied_at": AS_OF - 22 * hour,
        },
    )
    insert(
        conn,
        "booking",
        first
        | {
            "booking_id": "b1",
            "channel": "front_desk",
            "created_at": AS_OF - 6 * day,
            "confirmed_at": AS_OF - 6 * day,
            "scheduled_for": AS_OF - 4 * day,
            "no_show_kind": "automatic",
            "no_show_at": AS_OF - 4 * day + 2 * hour,
        },
    )
    insert(
        conn,
        "phone_call",
        *(
            first
            | {
                "attempt_id": attempt,
                "user_id": user,
                "called_at": AS_OF - hour,
                "call_date": TODAY,
                "outcome": "no_answer",
                "note": note,
            }
            for attempt, user, note in (
                ("k2", "a1", '"><img src=x onerror=alert(2)>'),
                ("k1", "gone", None),
            )
        ),
    )
    for number, (agent, reason, since, callable_at) in enumerate(
        (
            ("a1", "dispatch_grace", AS_OF - 9 * hour, AS_OF + 3 * hour),
            ("a1", "awaiting_reply", AS_OF - day, AS_OF + day + timedelta(seconds=30)),
            ("só espera", "dispatch_grace", AS_OF - 9 * hour, AS_OF + 3 * hour),
        ),
        start=1,
    ):
        key = {"company_id": "c1", "agent_id": agent, "agenda_id": f"c1/waiting/{number}"}
        is_sent = reason == "awaiting_reply"
        insert(
            conn,
            "agenda_status",
            key
            | {
                "contact_date": TODAY,
                "campaign_id": "revisao",
                "event_type_id": "r10",
                "team_id": "t1",
                "client_id": "p0" if is_sent else f"p{number + 2}",
                "vehicle_id": "v1" if is_sent else None,
                "origin": "active",
                "is_open": True,
                "is_no_show": False,
                "whatsapp_status": "sent" if is_sent else "other",
                "whatsapp_cause": None if is_sent else "queued",
                "last_sent_at": since if is_sent else None,
                "response": "awaiting_reply" if is_sent else "not_sent",
                "created_at": AS_OF - 5 * day,
            },
        )
        insert(
            conn,
            "call_waiting",
            key
            | {
                "position": number if agent == "a1" else 1,
                "wait_reason": reason,
                "since": since,
                "callable_at": callable_at,
            },
        )


def fill_reports(conn: psycopg.Connection) -> None:
    """What only reports show: both funnels, days of history with gaps, and what moved since the
    edition before, of the busy company and a little of the second.
    """
    day = timedelta(days=1)
    insert(
        conn,
        "funnel",
        *(
            {
                "company_id": of,
                "contact_date": date,
                "campaign_id": "revisao",
                "event_type_id": "r10",
                "team_id": team,
                "agent_id": agent,
                "funnel": funnel,
                "step": step,
                "agenda_count": count,
            }
            for of, date, team, agent, funnel, step, count in (
                ("c1", TODAY, "t1", "a1", "contact", "agendas", 1200),
                ("c1", TODAY, "t1", "a1", "contact", "sent", 1150),
                ("c1", TODAY, "t1", "a1", "contact", "replied", 410),
                ("c1", TODAY, "t1", "a1", "contact", "booked", 222),
                ("c1", TODAY, "t1", "a1", "contact", "came", 199),
                ("c1", TODAY - 29 * day, None, "a2", "contact", "agendas", 3),
                ("c1", TODAY - 29 * day, None, "a2", "contact", "booked_without_reply", 2),
                ("c1", TODAY - 29 * day, None, "a2", "contact", "came_without_reply", 1),
                ("c1", TODAY, "gone team", None, "return", "no_show", 4),
                ("c1", TODAY, "gone team", None, "return", "messaged", 1),
                # Out of the 30 days on either side.
                ("c1", TODAY - 30 * day, "t1", "a1", "contact", "agendas", 70_000),
                ("c1", TODAY + day, "t1", "a1", "contact", "agendas", 70_000),
                ("c2", TODAY, None, None, "contact", "agendas", 1),
            )
        ),
    )
    insert(
        conn,
        "totalizer_history",
        *(
            {
                "snapshot_date": TODAY - before * day,
                "company_id": of,
                "totalizer": totalizer,
                "bucket": bucket,
                "agenda_count": count,
                "as_of": AS_OF - before * day,
            }
            for before, of, totalizer, bucket, count in (
                (30, "c1", "active", "sent", 9999),
                (29, "c1", "active", "sent", 40),
                (29, "c1", "active", "other", 2),
                (8, "c1", "active", "sent", 35),
                (8, "c1", "no_show", "manual", 1),
                (7, "c2", "active", "sent", 2),
                (1, "c1", "active", "sent", 31),
                # An earlier run of today: the page shows its own numbers.
                (0, "c1", "active", "sent", 7777),
            )
        ),
    )
    insert(
        conn,
        "totalizer_movement",
        *(
            {
                "company_id": of,
                "totalizer": totalizer,
                "row_id": f"{of}/moved/{number}",
                "direction": direction,
                "bucket": "sent",
                "event": event,
                "previous_as_of": AS_OF - day,
            }
            for of, totalizer, direction, event, count in (
                ("c1", "active", "entered", "created", 3),
                ("c1", "active", "entered", "reopened", 1),
                ("c1", "active", "left", "closed", 2),
                ("c1", "refused", "entered", "refused", 5),
                ("c1", "passive", "entered", "contacted", 5),
                ("c1", "no_reply", "entered", "deadline", 2),
                ("c1", "no_reply", "left", "new <event>", 1),
            )
            for number in range(count)
        ),
    )


def fill_many(conn: psycopg.Connection, lists: Iterable[str], rows_a_list: int) -> None:
    """One company with many lists, for measuring."""
    _fill_shared(conn)
    _fill_lists(conn, "big", list(lists), rows_a_list)
    _fill_histories_of_all(conn)


def fill_group(
    conn: psycopg.Connection, companies: int, lists_a_company: int, rows_a_list: int
) -> None:
    """Many companies with many lists each, for measuring."""
    _fill_shared(conn)
    for number in range(companies):
        agents = [f"agent {number}/{agent}" for agent in range(lists_a_company)]
        _fill_lists(conn, f"company {number}", agents, rows_a_list)
    _fill_histories_of_all(conn)


def _fill_shared(conn: psycopg.Connection) -> None:
    insert(conn, "campaign", {"campaign_id": "revisao", "name": "Revisões", "active": True})
    insert(
        conn, "event_type", {"event_type_id": "r10", "campaign_id": "revisao", "name": "10.000 km"}
    )
    conn.execute(
        """
        insert into client (client_id, name)
        select 'many' || i, 'Cliente de Nome Comum ' || i from generate_series(1, 1000) as i
        """
    )


def _fill_lists(
    conn: psycopg.Connection, company_id: str, agents: list[str], rows_a_list: int
) -> None:
    insert(conn, "company", company(company_id, f"Grande {company_id}"))
    conn.execute(
        """
        with numbered as (
            select agent_id, position, agent_id || '-' || position as agenda_id
            from unnest(%(agents)s::text[]) as agent_id, generate_series(1, %(rows)s) as position
        ), listed as (
            insert into call_list (company_id, agent_id, card, position, agenda_id, priority,
                call_reason, since, phone, attempts, last_attempt_at, last_outcome, as_of)
            select %(company)s, agent_id, position, position, agenda_id, 2, 'no_reply',
                %(as_of)s - interval '2 days', '11987654321', 1,
                %(as_of)s - interval '2 hours', 'busy', %(as_of)s
            from numbered
        )
        insert into agenda_status (company_id, agent_id, agenda_id, contact_date, campaign_id,
            event_type_id, client_id, vehicle_id, origin, is_open, whatsapp_status, last_sent_at,
            response, days_without_reply, created_at, as_of)
        select %(company)s, agent_id, agenda_id, %(today)s, 'revisao', 'r10',
            'many' || client, 'v-many' || client, 'active', true, 'sent',
            %(as_of)s - interval '2 days', 'no_reply', 2, %(as_of)s - interval '9 days', %(as_of)s
        from numbered
        cross join lateral (select 1 + position %% 1000 as client) as client
        """,
        {
            "company": company_id,
            "agents": agents,
            "rows": rows_a_list,
            "as_of": AS_OF,
            "today": TODAY,
        },
    )


def _fill_histories_of_all(conn: psycopg.Connection) -> None:
    """For every row of a call list a message that was read, a call, a vehicle and its totals."""
    conn.execute(
        """
        insert into dispatch (company_id, agenda_id, dispatch_id, purpose, queued_at, outcome,
            sent_at, delivered_at, read_at, as_of)
        select company_id, agenda_id, agenda_id || '-d', 'first_contact', since - interval '1 hour',
            'sent', since, since + interval '1 minute', since + interval '1 hour', as_of
        from call_list
        where company_id not in ('c1', 'c2', 'c3');
        insert into phone_call (company_id, agenda_id, attempt_id, user_id, called_at, call_date,
            outcome, as_of)
        select company_id, agenda_id, agenda_id || '-k', agent_id, last_attempt_at,
            last_attempt_at::date, last_outcome, as_of
        from call_list
        where company_id not in ('c1', 'c2', 'c3');
        insert into vehicle (vehicle_id, client_id, plate, model, active)
        select 'v-' || client_id, client_id, 'ABC1D23', 'Onix 1.0', true
        from client
        where client_id like 'many%';
        insert into totalizer_row (company_id, totalizer, row_id, agenda_id, contact_date,
            campaign_id, event_type_id, agent_id, client_id, bucket, as_of)
        select company_id, totalizer.code, agenda_id, agenda_id, contact_date, campaign_id,
            event_type_id, agent_id, client_id, totalizer.bucket, as_of
        from agenda_status
        cross join (values ('active', 'sent'), ('no_reply', '2')) as totalizer (code, bucket)
        where client_id like 'many%';
        create unique index on agenda_status (company_id, agenda_id);
        create unique index on call_list (company_id, agenda_id);
        create unique index on call_waiting (company_id, agenda_id);
        create unique index on dispatch (company_id, agenda_id, dispatch_id);
        create unique index on reply (company_id, agenda_id, reply_id);
        create unique index on booking (company_id, agenda_id, booking_id);
        create unique index on phone_call (company_id, agenda_id, attempt_id);
        create unique index on totalizer_row (company_id, totalizer, row_id);
        create index on totalizer_row (company_id, agenda_id);
        """
    )
    conn.execute("analyze")
    conn.commit()
