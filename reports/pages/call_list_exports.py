"""Exports of a call list as CSV and XLSX.

A file may be loaded into a dialler, so it contains only clients that R9 lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports import exports, labels, phrases
from reports.documents import Document
from reports.exports import ExportColumn, Sheet
from reports.paths import list_file
from reports.phrases import CallPhrases
from reports.queries.companies import Company
from reports.view_model import Link, Page
from reports.xlsx import Value

_COLUMNS = (
    ExportColumn(labels.CALL_LIST_COLUMNS["position"], "number", 6),
    ExportColumn(labels.CALL_LIST_COLUMNS["client"], "text", 30),
    ExportColumn(labels.CALL_LIST_COLUMNS["phone"], "text", 16),
    ExportColumn(labels.CALL_LIST_COLUMNS["why"], "text", 20),
    ExportColumn(labels.CALL_LIST_COLUMNS["since"], "moment"),
    ExportColumn(labels.CALL_LIST_COLUMNS["reason"], "text", 60),
    ExportColumn(labels.CALL_LIST_COLUMNS["signal"], "text", 30),
    ExportColumn(labels.CALL_LIST_COLUMNS["attempts"], "number"),
    ExportColumn(labels.CALL_LIST_COLUMNS["last_attempt"], "moment"),
    ExportColumn(labels.CALL_LIST_COLUMNS["last_outcome"], "text"),
    ExportColumn(labels.CALL_LIST_COLUMNS["days_untried"], "number"),
    ExportColumn(labels.CALL_LIST_COLUMNS["vehicle"], "text"),
    ExportColumn(labels.CALL_LIST_COLUMNS["event_type"], "text"),
    ExportColumn(labels.CALL_LIST_COLUMNS["campaign"], "text"),
    ExportColumn(labels.CALL_LIST_COLUMNS["contact_date"], "day"),
    ExportColumn(labels.CALL_LIST_COLUMNS["agenda"], "text"),
)


def export_links(agent_id: str | None) -> tuple[Link, ...]:
    """Return the links from a list to its exports."""
    return (
        Link(labels.CSV, _file(agent_id, "csv")),
        Link(labels.XLSX, _file(agent_id, "xlsx")),
    )


def export_documents(
    company: Company, agent_id: str | None, page: Page, said: Sequence[CallPhrases]
) -> Iterator[Document]:
    """Build both exports of a list.

    Args:
        company: The company of the list.
        agent_id: The agent, or None for agendas without one.
        page: The page of the list, whose stamp and proof the exports repeat.
        said: The phrases of the rows to call.

    Returns:
        The CSV and the XLSX.
    """
    sheet = Sheet(
        labels.CALL_LIST_SHEET,
        _COLUMNS,
        [_values(one) for one in said],
        exports.sheet_of_proof(page.stamp, page.proof),
    )
    folder = company.folder
    yield Document(f"{folder}/{_file(agent_id, 'csv')}", exports.csv_writer(sheet))
    yield Document(f"{folder}/{_file(agent_id, 'xlsx')}", exports.xlsx_writer(sheet))


def _file(agent_id: str | None, ending: str) -> str:
    return f"{list_file(agent_id).removesuffix('.html')}.{ending}"


def _values(said: CallPhrases) -> tuple[Value, ...]:
    row = said.row
    return (
        row.call_position,
        said.client,
        said.phone.text if said.phone else None,
        labels.CALL_REASONS.get(row.call_reason or "", row.call_reason),
        row.since,
        said.standing.why,
        said.signal.text,
        row.attempts,
        row.last_attempt_at,
        phrases.outcome_of(row) or None,
        row.days_untried,
        said.vehicle,
        row.event_type,
        row.campaign,
        row.contact_date,
        row.agenda_id,
    )
