"""The rows that a total of a company counts, ordered and formatted."""

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
    """A formatted row of a grid. `ficha` is the link to the agenda's Ficha, if there is one."""

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
    """The ids that the filters of a grid compare (R14); null if a row has none."""

    campaign: str | None
    event_type: str | None
    team: str | None
    agent: str | None


class ListedRow(NamedTuple):
    """A formatted row, with values for exports, and whether filters list its campaign and team."""

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
    """Read the rows of a total of a company, by bucket, contact date and client.

    Args:
        conn: An open transaction, because the cursor is on the server.
        scene: The context of the edition.
        company: The company.
        totalizer: The code of the total.
        buckets: The buckets in display order.
        fichas: The links to the existing Fichas, by agenda id.

    Returns:
        The formatted rows.
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
    """Format a row.

    Args:
        company: The company of the row.
        totalizer: The code of the total.
        row: The row.
        fichas: The links to the existing Fichas, by agenda id.
        words: A cache of repeated strings, shared by the rows of a grid to save memory.

    Returns:
        The formatted row.
    """
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
