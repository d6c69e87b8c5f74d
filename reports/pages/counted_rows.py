"""The rows that a total of a company counts, in their order and ready to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import psycopg

from reports import formats, labels
from reports.documents import EditionContext
from reports.phrases import situation_of, whatsapp_of, whatsapp_when
from reports.queries.companies import Company
from reports.queries.total_rows import CountedRow, stream_total_rows


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


class CellIds(NamedTuple):
    """What the filters of a grid compare (R14); null where a row has none."""

    campaign: str | None
    event_type: str | None
    team: str | None
    agent: str | None


class ListedRow(NamedTuple):
    """A row with what a file that is taken away holds as a date, and what a filter offers (R14)."""

    bucket: str
    contact_date: date
    whatsapp: str
    last_sent_at: datetime | None
    offers_campaign: bool
    offers_team: bool
    ids: CellIds
    cells: Cells


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
        for row in stream_total_rows(
            conn, replace(scene.filters, company_id=company.company_id), totalizer
        )
    ]
    ordered.sort(key=lambda entry: entry[0])
    return [row for _, row in ordered]


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
            whatsapp_when(row, status),
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
        CellIds(row.campaign_id, row.event_type_id, row.team_id, row.agent_id),
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
