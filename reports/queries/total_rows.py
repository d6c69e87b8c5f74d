"""Queries of the rows that a total counts, with all columns of the grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports.filters import Filters
from reports.name_disambiguation import distinct_names

_ROWS_A_FETCH = 2000


class CountedRow(NamedTuple):
    """A row of `totalizer_row` with related columns; every time is local.

    A passive contact that led to no agenda has null in all columns of an agenda.
    """

    row_id: str
    bucket: str
    agenda_id: str | None
    client_name: str | None
    contact_date: date
    campaign_id: str | None
    campaign: str | None
    is_campaign_active: bool | None
    event_type_id: str | None
    event_type: str | None
    team_id: str | None
    team: str | None
    is_service_desk: bool | None
    agent_id: str | None
    agent: str | None
    is_open: bool | None
    whatsapp_status: str | None
    whatsapp_cause: str | None
    last_sent_at: datetime | None
    cycle_start: datetime | None
    response: str | None
    loss_reason: str | None
    replied_at: datetime | None
    days_without_reply: int | None
    booked_for: datetime | None
    no_show_at: datetime | None
    contacted_at: datetime | None
    is_ambiguous: bool | None


# Joins that include the company begin with it.
_ROWS = """
select
    totalizer_row.row_id,
    totalizer_row.bucket,
    totalizer_row.agenda_id,
    client.name as client_name,
    totalizer_row.contact_date,
    totalizer_row.campaign_id,
    coalesce(campaign.shown_name, totalizer_row.campaign_id) as campaign,
    campaign.active as is_campaign_active,
    totalizer_row.event_type_id,
    coalesce(event_type.shown_name, totalizer_row.event_type_id) as event_type,
    totalizer_row.team_id,
    coalesce(team.shown_name, totalizer_row.team_id) as team,
    team.is_service_desk,
    totalizer_row.agent_id,
    coalesce(app_user.shown_name, totalizer_row.agent_id) as agent,
    agenda_status.is_open,
    agenda_status.whatsapp_status,
    agenda_status.whatsapp_cause,
    agenda_status.last_sent_at at time zone company.timezone as last_sent_at,
    agenda_status.cycle_start at time zone company.timezone as cycle_start,
    agenda_status.response,
    coalesce(loss_reason.name, agenda_status.loss_reason_id) as loss_reason,
    agenda_status.replied_at at time zone company.timezone as replied_at,
    agenda_status.days_without_reply,
    agenda_status.booked_for at time zone company.timezone as booked_for,
    agenda_status.no_show_at at time zone company.timezone as no_show_at,
    passive_contact_status.contacted_at at time zone company.timezone as contacted_at,
    passive_contact_status.is_ambiguous
from totalizer_row
inner join company on company.company_id = totalizer_row.company_id
left join agenda_status
    on agenda_status.company_id = totalizer_row.company_id
    and agenda_status.agenda_id = totalizer_row.agenda_id
left join passive_contact_status
    on totalizer_row.totalizer = 'passive'
    and passive_contact_status.company_id = totalizer_row.company_id
    and passive_contact_status.contact_id = totalizer_row.row_id
left join client on client.client_id = totalizer_row.client_id
left join {campaign} on campaign.campaign_id = totalizer_row.campaign_id
left join {event_type} on event_type.event_type_id = totalizer_row.event_type_id
left join {team} on team.team_id = totalizer_row.team_id
left join {app_user} on app_user.user_id = totalizer_row.agent_id
left join loss_reason on loss_reason.loss_reason_id = agenda_status.loss_reason_id
where totalizer_row.totalizer = %(totalizer)s and {condition}
"""
# Names must be distinct, because readers tell rows apart by them.
_NAMED = {
    "campaign": distinct_names("campaign", "campaign_id"),
    "event_type": distinct_names("event_type", "event_type_id", "name", "campaign_id"),
    "team": distinct_names("team", "team_id", "name", "company_id"),
    "app_user": distinct_names("app_user", "user_id", "full_name"),
}


def stream_total_rows(
    conn: psycopg.Connection, filters: Filters, totalizer: str
) -> Iterator[CountedRow]:
    """Stream the rows of a total that the filters select.

    Args:
        conn: An open transaction, because the cursor is on the server.
        filters: The filters.
        totalizer: The code of the total.

    Returns:
        The rows, in no particular order.
    """
    condition = filters.of_agendas("totalizer_row")
    query = sql.SQL(_ROWS).format(condition=condition.text, **_NAMED)
    with conn.cursor(name="total_rows", binary=True) as cursor:
        cursor.itersize = _ROWS_A_FETCH
        cursor.execute(query, {**condition.parameters, "totalizer": totalizer})
        yield from map(CountedRow._make, cursor)


def find_total_rows(
    conn: psycopg.Connection, filters: Filters, totalizer: str, row_ids: Sequence[str]
) -> dict[str, CountedRow]:
    """Read rows of a total by id.

    Args:
        conn: A connection that reads the published tables.
        filters: Restrict the rows to those that the filters select.
        totalizer: The code of the total.
        row_ids: The ids.

    Returns:
        The rows by id.
    """
    condition = filters.of_agendas("totalizer_row")
    chosen = sql.SQL("{} and totalizer_row.row_id = any(%(row_ids)s)").format(condition.text)
    query = sql.SQL(_ROWS).format(condition=chosen, **_NAMED)
    given = {**condition.parameters, "totalizer": totalizer, "row_ids": list(row_ids)}
    with conn.cursor(binary=True) as cursor:
        return {row[0]: CountedRow._make(row) for row in cursor.execute(query, given)}
