"""Queries of agendas with all columns of call lists and Fichas, by list or by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports.filters import Filters

_ROWS_A_FETCH = 1000


class AgendaRow(NamedTuple):
    """An agenda as of the edition; every time is local.

    `call_position`: to be called, on the list of `list_agent_id`. `wait_position`: not yet. Else
    `call_state` of a due agenda or `call_obstacle` says why neither. `delivered_at` and `read_at`
    are of the message sent at `last_sent_at`.
    """

    company_id: str
    agenda_id: str
    agent_id: str | None
    contact_date: date
    event_type: str
    campaign: str
    team: str | None
    agent: str | None
    origin: str
    is_open: bool
    closed_at: datetime | None
    whatsapp_status: str
    whatsapp_cause: str | None
    last_sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    cycle_start: datetime | None
    response: str
    loss_reason: str | None
    replied_at: datetime | None
    days_without_reply: int | None
    booked_for: datetime | None
    call_obstacle: str | None
    call_state: str | None
    list_agent_id: str | None
    card: int | None
    call_position: int | None
    call_reason: str | None
    call_detail: str | None
    since: datetime | None
    phone: str | None
    call_back_at: datetime | None
    hints: list[str] | None
    attempts: int | None
    last_attempt_at: datetime | None
    last_outcome: str | None
    days_untried: int | None
    wait_position: int | None
    wait_reason: str | None
    callable_at: datetime | None
    client_id: str | None
    client_name: str | None
    ddd: str | None
    mobile: str | None
    landline: str | None
    email: str | None
    is_opted_out: bool | None
    consent_origin: str | None
    consent_at: datetime | None
    vehicle_id: str | None
    vehicle_model: str | None
    vehicle_plate: str | None


# Joins that include the company begin with it. Of messages sent at the same time the one with the
# greatest id counts, as in R6.
_AGENDAS = """
select
    agenda_status.company_id,
    agenda_status.agenda_id,
    agenda_status.agent_id,
    agenda_status.contact_date,
    coalesce(event_type.name, agenda_status.event_type_id) as event_type,
    coalesce(campaign.name, agenda_status.campaign_id) as campaign,
    coalesce(team.name, agenda_status.team_id) as team,
    coalesce(app_user.full_name, agenda_status.agent_id) as agent,
    agenda_status.origin,
    agenda_status.is_open,
    agenda_status.closed_at at time zone company.timezone as closed_at,
    agenda_status.whatsapp_status,
    agenda_status.whatsapp_cause,
    agenda_status.last_sent_at at time zone company.timezone as last_sent_at,
    message.delivered_at at time zone company.timezone as delivered_at,
    message.read_at at time zone company.timezone as read_at,
    agenda_status.cycle_start at time zone company.timezone as cycle_start,
    agenda_status.response,
    coalesce(loss_reason.name, agenda_status.loss_reason_id) as loss_reason,
    agenda_status.replied_at at time zone company.timezone as replied_at,
    agenda_status.days_without_reply,
    agenda_status.booked_for at time zone company.timezone as booked_for,
    agenda_status.call_obstacle,
    agenda_status.call_state,
    {list_agent} as list_agent_id,
    call_list.card,
    call_list.position as call_position,
    call_list.call_reason,
    call_list.call_detail,
    coalesce(call_list.since, call_waiting.since) at time zone company.timezone as since,
    call_list.phone,
    call_list.call_back_at at time zone company.timezone as call_back_at,
    call_list.hints,
    call_list.attempts,
    call_list.last_attempt_at at time zone company.timezone as last_attempt_at,
    call_list.last_outcome,
    call_list.days_untried,
    call_waiting.position as wait_position,
    call_waiting.wait_reason,
    call_waiting.callable_at at time zone company.timezone as callable_at,
    agenda_status.client_id,
    client.name as client_name,
    client.ddd,
    client.mobile,
    client.landline,
    client.email,
    client.is_opted_out,
    client.consent_origin,
    client.consent_at at time zone company.timezone as consent_at,
    agenda_status.vehicle_id,
    vehicle.model as vehicle_model,
    vehicle.plate as vehicle_plate
from {agendas}
inner join company on company.company_id = agenda_status.company_id
left join call_list
    on call_list.company_id = agenda_status.company_id
    and call_list.agenda_id = agenda_status.agenda_id
    and {is_listed}
left join call_waiting
    on call_waiting.company_id = agenda_status.company_id
    and call_waiting.agenda_id = agenda_status.agenda_id
    and {is_waiting}
left join client on client.client_id = agenda_status.client_id
left join vehicle on vehicle.vehicle_id = agenda_status.vehicle_id
left join event_type on event_type.event_type_id = agenda_status.event_type_id
left join campaign on campaign.campaign_id = agenda_status.campaign_id
left join team on team.team_id = agenda_status.team_id
left join app_user on app_user.user_id = agenda_status.agent_id
left join loss_reason on loss_reason.loss_reason_id = agenda_status.loss_reason_id
left join lateral (
    select
        dispatch.delivered_at,
        dispatch.read_at
    from dispatch
    where
        dispatch.company_id = agenda_status.company_id
        and dispatch.agenda_id = agenda_status.agenda_id
        and dispatch.outcome = 'sent'
        and dispatch.sent_at = agenda_status.last_sent_at
    order by dispatch.dispatch_id collate "C" desc
    limit 1
) as message on true
where {condition}
order by {order}
"""

# An agenda that stands on the list of another agent is on that list and waits on its own agent's.
# The places are materialized, or else every agenda of the company would be joined.
_ON_LISTS = """
(
    with placed as materialized (
        select company_id, agenda_id, agent_id, true as is_listed
        from call_list
        where {call_list}
        union all
        select company_id, agenda_id, agent_id, false as is_listed
        from call_waiting
        where {call_waiting}
    )
    select * from placed
) as placed
inner join agenda_status
    on agenda_status.company_id = placed.company_id
    and agenda_status.agenda_id = placed.agenda_id
"""

_IN_ORDER = 'placed.agent_id collate "C", call_list.position, call_waiting.position'


def stream_call_lists(
    conn: psycopg.Connection, filters: Filters, agents: Sequence[str | None]
) -> Iterator[tuple[str | None, list[AgendaRow]]]:
    """Read the rows of call lists, one list in memory at a time.

    Args:
        conn: An open transaction, because the cursor is on the server.
        filters: The filters, which select one company.
        agents: The agents whose lists to read; None is "Sem agente".

    Returns:
        Agent and rows of each list that has any: first those to call, then those waiting, each in
        order.
    """
    places = sql.SQL(_ON_LISTS).format(
        **{
            relation: _of_agents(relation, filters, agents)
            for relation in ("call_list", "call_waiting")
        }
    )
    query = sql.SQL(_AGENDAS).format(
        list_agent=sql.SQL("placed.agent_id"),
        agendas=places,
        is_listed=sql.SQL("placed.is_listed"),
        is_waiting=sql.SQL("not placed.is_listed"),
        condition=sql.SQL("true"),
        order=sql.SQL(_IN_ORDER),
    )
    named = [agent for agent in agents if agent is not None]
    parameters = filters.of_agents("call_list").parameters
    with conn.cursor(name="call_lists", binary=True) as cursor:
        cursor.itersize = _ROWS_A_FETCH
        cursor.execute(query, {**parameters, "agents": named})
        for agent_id, rows in groupby(
            map(AgendaRow._make, cursor), key=attrgetter("list_agent_id")
        ):
            yield agent_id, list(rows)


def find_agendas(
    conn: psycopg.Connection, filters: Filters, agenda_ids: Sequence[str]
) -> list[AgendaRow]:
    """Read agendas by id.

    Args:
        conn: A connection that reads the published tables.
        filters: Restrict the agendas to those that may be seen.
        agenda_ids: The ids.

    Returns:
        The agendas, ordered by id.
    """
    condition = filters.of_cards("agenda_status")
    query = sql.SQL(_AGENDAS).format(
        list_agent=sql.SQL("call_list.agent_id"),
        agendas=sql.SQL("agenda_status"),
        is_listed=sql.SQL("true"),
        is_waiting=sql.SQL("call_list.agenda_id is null"),
        condition=sql.SQL("{} and agenda_status.agenda_id = any(%(agenda_ids)s)").format(
            condition.text
        ),
        order=sql.SQL('agenda_status.agenda_id collate "C"'),
    )
    with conn.cursor(binary=True) as cursor:
        cursor.execute(query, {**condition.parameters, "agenda_ids": list(agenda_ids)})
        return [AgendaRow._make(row) for row in cursor]


def _of_agents(relation: str, filters: Filters, agents: Sequence[str | None]) -> sql.Composable:
    # The condition on companies limits the rows that are scanned.
    agent = sql.Identifier(relation, "agent_id")
    chosen = sql.SQL("{} = any(%(agents)s)").format(agent)
    if None in agents:
        chosen = sql.SQL("({} or {} is null)").format(chosen, agent)
    return sql.SQL("{} and {}").format(filters.of_agents(relation).text, chosen)
