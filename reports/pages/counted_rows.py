"""The rows that a total of a company counts, each said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.documents import EditionContext
from reports.duplicate_names import distinct_names
from reports.filters import Filters
from reports.queries.companies import Company

_ROWS_A_FETCH = 2000


class CountedRow(NamedTuple):
    """A row of `totalizer_row` with what is known of it; every time is local.

    Without an agenda (a passive contact that led to none) everything of an agenda is null.
    """

    row_id: str
    bucket: str
    agenda_id: str | None
    client_name: str | None
    contact_date: date
    campaign: str | None
    is_campaign_active: bool | None
    event_type: str | None
    team: str | None
    is_service_desk: bool | None
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


class Cells(NamedTuple):
    """A row of a grid, ready to read. `ficha` is where the agenda's Ficha is, if it has one."""

    client: str
    ficha: str | None
    agenda_id: str
    contact_date: str
    campaign: str
    event_type: str
    team: str
    agent: str
    whatsapp: str
    situation: str


class ListedRow(NamedTuple):
    """A row with what a file that is taken away holds as a date, and what a filter offers (R14)."""

    bucket: str
    contact_date: date
    whatsapp: str
    last_sent_at: datetime | None
    offers_campaign: bool
    offers_team: bool
    cells: Cells


# The company leads every join that it is part of.
_ROWS = """
select
    totalizer_row.row_id,
    totalizer_row.bucket,
    totalizer_row.agenda_id,
    client.name as client_name,
    totalizer_row.contact_date,
    coalesce(campaign.shown_name, totalizer_row.campaign_id) as campaign,
    campaign.active as is_campaign_active,
    coalesce(event_type.shown_name, totalizer_row.event_type_id) as event_type,
    coalesce(team.shown_name, totalizer_row.team_id) as team,
    team.is_service_desk,
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
# A filter goes by what is shown.
_NAMED = {
    "campaign": distinct_names("campaign", "campaign_id"),
    "event_type": distinct_names("event_type", "event_type_id", "name", "campaign_id"),
    "team": distinct_names("team", "team_id", "name", "company_id"),
    "app_user": distinct_names("app_user", "user_id", "full_name"),
}


def find_rows(
    conn: psycopg.Connection,
    scene: EditionContext,
    company: Company,
    totalizer: str,
    buckets: Sequence[str],
    fichas: Mapping[str, str],
) -> list[ListedRow]:
    """The rows of a total of a company, bucket by bucket in the order given, each by contact date
    and client. `fichas` are the addresses of the Fichas that there are, by agenda.

    Needs an open transaction, since the cursor lives on the server.
    """
    places = {bucket: place for place, bucket in enumerate(buckets)}
    words: dict[str, str] = {}
    ordered = [
        (_order(places, row), listed_row(company, totalizer, row, fichas, words))
        for row in stream_rows(
            conn, replace(scene.filters, company_id=company.company_id), totalizer
        )
    ]
    ordered.sort(key=lambda entry: entry[0])
    return [row for _, row in ordered]


def stream_rows(conn: psycopg.Connection, filters: Filters, totalizer: str) -> Iterator[CountedRow]:
    """The rows of a total that the filters choose, as they come.

    Needs an open transaction, since the cursor lives on the server.
    """
    condition = filters.of_agendas("totalizer_row")
    query = sql.SQL(_ROWS).format(condition=condition.text, **_NAMED)
    with conn.cursor(name="total_rows", binary=True) as cursor:
        cursor.itersize = _ROWS_A_FETCH
        cursor.execute(query, {**condition.parameters, "totalizer": totalizer})
        yield from map(CountedRow._make, cursor)


def find_row_page(
    conn: psycopg.Connection, filters: Filters, totalizer: str, row_ids: Sequence[str]
) -> dict[str, CountedRow]:
    """Those of these rows of a total that the filters choose, by their ids."""
    condition = filters.of_agendas("totalizer_row")
    chosen = sql.SQL("{} and totalizer_row.row_id = any(%(row_ids)s)").format(condition.text)
    query = sql.SQL(_ROWS).format(condition=chosen, **_NAMED)
    given = {**condition.parameters, "totalizer": totalizer, "row_ids": list(row_ids)}
    with conn.cursor(binary=True) as cursor:
        return {row[0]: CountedRow._make(row) for row in cursor.execute(query, given)}


def _order(places: Mapping[str, int], row: CountedRow) -> tuple[int, date, tuple[str, str], str]:
    name = formats.name_order(row.client_name or "")
    return places.get(row.bucket, len(places)), row.contact_date, name, row.row_id


def listed_row(
    company: Company,
    totalizer: str,
    row: CountedRow,
    fichas: Mapping[str, str],
    words: dict[str, str],
) -> ListedRow:
    """Say a row in words. `words` holds every text that is said more than once."""
    once = words.setdefault
    agenda_id = row.agenda_id
    status = whatsapp_of(row)
    day, campaign, event_type, team, agent, whatsapp, situation = (
        once(text, text)
        for text in (
            formats.day(row.contact_date),
            row.campaign or "",
            row.event_type or "",
            row.team or "",
            row.agent or labels.UNASSIGNED_LIST,
            _whatsapp_when(row, status),
            situation_of(company, totalizer, row),
        )
    )
    return ListedRow(
        once(row.bucket, row.bucket),
        row.contact_date,
        status,
        row.last_sent_at,
        bool(row.is_campaign_active),
        bool(row.is_service_desk),
        Cells(
            row.client_name
            or (labels.UNKNOWN_CLIENT if totalizer == "passive" else labels.NO_CLIENT),
            None if agenda_id is None else fichas.get(agenda_id),
            agenda_id or labels.NO_AGENDA,
            day,
            campaign,
            event_type,
            team,
            agent,
            whatsapp,
            situation,
        ),
    )


# --- Words -----------------------------------------------------------------------------------


def whatsapp_of(row: CountedRow) -> str:
    """Whether a message went out, or why not."""
    if row.whatsapp_status is None:
        return labels.WITHOUT_MESSAGE
    if row.whatsapp_cause is not None and row.whatsapp_status == "other":
        return labels.NOT_SENT_BECAUSE.format(why=labels.cause(row.whatsapp_cause).words)
    return labels.GRID_WHATSAPP.get(row.whatsapp_status, row.whatsapp_status)


def _whatsapp_when(row: CountedRow, status: str) -> str:
    """The same with the time; a message from before the last no-show says so (R7)."""
    if row.last_sent_at is None:
        return status
    sent = labels.SENT_AT.format(sent=formats.moment(row.last_sent_at))
    if row.cycle_start is not None and row.last_sent_at < row.cycle_start:
        return labels.SENT_BEFORE_NO_SHOW.format(sent=sent)
    return sent


def situation_of(company: Company, totalizer: str, row: CountedRow) -> str:
    """What became of the row so far, in one phrase with its evidence."""
    today = company.local_date
    if totalizer == "passive" and row.contacted_at is not None:
        wrote = labels.WROTE.format(at=formats.recent_moment(row.contacted_at, today))
        return f"{wrote}; {labels.AMBIGUOUS}" if row.is_ambiguous else wrote
    if totalizer == "no_show" and row.no_show_at is not None:
        return labels.NO_SHOW_OF.format(
            at=formats.recent_moment(row.no_show_at, today),
            booked_for=_moment(row.booked_for, today),
        )
    phrase = _response(row, today)
    return phrase if row.is_open else f"{phrase}; {labels.CLOSED}"


def _response(row: CountedRow, today: date) -> str:
    """R8 in words."""
    pattern = labels.GRID_RESPONSES.get(row.response or "")
    if pattern is None:
        return row.response or ""
    return pattern.format(
        booked_for=_moment(row.booked_for, today),
        replied_at="" if row.replied_at is None else f" {_moment(row.replied_at, today)}",
        days=formats.days(row.days_without_reply or 0),
        reason=row.loss_reason or labels.NO_REASON,
    )


def _moment(value: datetime | None, today: date) -> str:
    return labels.NOT_AVAILABLE if value is None else formats.recent_moment(value, today)
