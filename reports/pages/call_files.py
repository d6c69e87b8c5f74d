"""A call list to take away: the rows to phone, as CSV and XLSX.

Belongs here: the columns and the two files. Does not: who must not be phoned yet. A file may be fed
to a dialler, so it holds nobody whom R9 does not name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports import labels, takeaway
from reports.documents import Document
from reports.pages import call_words
from reports.pages.call_words import Said
from reports.pages.company import Company
from reports.pages.page import Link, Page
from reports.paths import list_file
from reports.spreadsheet import Value
from reports.takeaway import Column, Sheet

_COLUMNS = (
    Column(labels.CALL_LIST_COLUMNS["position"], "number", 6),
    Column(labels.CALL_LIST_COLUMNS["client"], "text", 30),
    Column(labels.CALL_LIST_COLUMNS["phone"], "text", 16),
    Column(labels.CALL_LIST_COLUMNS["why"], "text", 20),
    Column(labels.CALL_LIST_COLUMNS["since"], "moment"),
    Column(labels.CALL_LIST_COLUMNS["reason"], "text", 60),
    Column(labels.CALL_LIST_COLUMNS["signal"], "text", 30),
    Column(labels.CALL_LIST_COLUMNS["attempts"], "number"),
    Column(labels.CALL_LIST_COLUMNS["last_attempt"], "moment"),
    Column(labels.CALL_LIST_COLUMNS["last_outcome"], "text"),
    Column(labels.CALL_LIST_COLUMNS["days_untried"], "number"),
    Column(labels.CALL_LIST_COLUMNS["vehicle"], "text"),
    Column(labels.CALL_LIST_COLUMNS["event_type"], "text"),
    Column(labels.CALL_LIST_COLUMNS["campaign"], "text"),
    Column(labels.CALL_LIST_COLUMNS["contact_date"], "day"),
    Column(labels.CALL_LIST_COLUMNS["agenda"], "text"),
)


def links(agent_id: str | None) -> tuple[Link, ...]:
    """The ways from a list to its files."""
    return (
        Link(labels.CSV, _file(agent_id, "csv")),
        Link(labels.XLSX, _file(agent_id, "xlsx")),
    )


def documents(
    company: Company, agent_id: str | None, page: Page, said: Sequence[Said]
) -> Iterator[Document]:
    """Both files of a list, with what its page says of itself."""
    sheet = Sheet(
        labels.CALL_LIST_SHEET,
        _COLUMNS,
        [_values(one) for one in said],
        takeaway.about(page.stamp, page.proof),
    )
    folder = company.folder
    yield Document(f"{folder}/{_file(agent_id, 'csv')}", takeaway.csv_writer(sheet))
    yield Document(f"{folder}/{_file(agent_id, 'xlsx')}", takeaway.xlsx_writer(sheet))


def _file(agent_id: str | None, ending: str) -> str:
    return f"{list_file(agent_id).removesuffix('.html')}.{ending}"


def _values(said: Said) -> tuple[Value, ...]:
    row = said.row
    return (
        row.call_position,
        said.client,
        said.phone.text if said.phone else None,
        labels.CALL_REASONS.get(row.call_reason or "", row.call_reason),
        row.since,
        said.why,
        said.signal.text,
        row.attempts,
        row.last_attempt_at,
        call_words.outcome_of(row) or None,
        row.days_untried,
        said.vehicle,
        row.event_type,
        row.campaign,
        row.contact_date,
        row.agenda_id,
    )
