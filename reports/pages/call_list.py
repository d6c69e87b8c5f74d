"""A call list: whom one agent has to call, in the order of R15, and whom not to call yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, NamedTuple

import psycopg

from reports import labels, phrases
from reports.documents import Document, EditionContext
from reports.pages import call_list_exports, ficha_files
from reports.paths import INDEX, list_file
from reports.phrases import CallPhrases, Phone, Signal
from reports.queries import call_list_counts
from reports.queries.agendas import AgendaRow, stream_call_lists
from reports.queries.call_list_counts import ListCount
from reports.queries.companies import Company
from reports.queries.ficha import find_ficha_facts
from reports.view_model import Identity, Link, Page

_AGENDAS_A_BATCH = 2000


class CallRow(NamedTuple):
    """A client to call. `ficha` links to the Ficha; `anchor` is the link target of this row."""

    position: int
    agenda_id: str
    anchor: str
    ficha: Link
    phone: Phone | None
    reason: str
    signal: Signal
    untried: str
    vehicle: str
    event_type: str
    campaign: str
    contact_date: date
    attempts: str
    hints: tuple[str, ...]
    same_person: str


class WaitRow(NamedTuple):
    """A client who must not be called before `callable_from`, which is empty on another's list."""

    anchor: str
    ficha: Link
    callable_from: str
    reason: str
    vehicle: str
    event_type: str
    contact_date: date


class ReasonCount(NamedTuple):
    """The number of agendas to call for one reason."""

    label: str
    agendas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallListPage(Page):
    """The list of one agent, or of agendas without an agent.

    `files` are its exports, for which a user with masked phones must give a reason.
    """

    template: ClassVar[str] = "call_list.html"

    company_name: str
    rows: tuple[CallRow, ...]
    reasons: tuple[ReasonCount, ...]
    waiting: tuple[WaitRow, ...]
    untried: int
    files: tuple[Link, ...]
    is_masked: bool = False

    @property
    def count(self) -> int:
        """The number of clients to call."""
        return len(self.rows)

    @property
    def waiting_count(self) -> int:
        """The number of clients who must not be called yet."""
        return len(self.waiting)


class _ListRows(NamedTuple):
    """A call list and its rows: first those to call, then those waiting."""

    entry: ListCount
    rows: list[AgendaRow]


def call_list_documents(
    conn: psycopg.Connection, scene: EditionContext, company: Company, entries: Sequence[ListCount]
) -> Iterator[Document]:
    """Build the documents of call lists: first those with rows as they are read, then empty ones.

    Args:
        conn: An open transaction, because the cursor is on the server.
        scene: The context of the edition.
        company: The company of the lists.
        entries: The lists.

    Returns:
        The lists with their exports and Fichas, as far as `scene.kinds` includes them.
    """
    filters = replace(scene.filters, company_id=company.company_id)
    missing = {entry.agent_id: entry for entry in entries}
    streamed = (
        _ListRows(missing.pop(agent_id), rows)
        for agent_id, rows in stream_call_lists(conn, filters, tuple(missing))
    )
    for batch in _batches(streamed):
        facts = None
        if "fichas" in scene.kinds:
            facts = find_ficha_facts(conn, [row for one in batch for row in one.rows])
        for entry, rows in batch:
            said = [phrases.phrases_of(company, row) for row in rows]
            yield from _documents(scene, company, entry, said)
            if facts is not None:
                yield from ficha_files.ficha_documents(company, entry, said, facts)
    for entry in missing.values():
        yield from _documents(scene, company, entry, [])


def _batches(streamed: Iterable[_ListRows]) -> Iterator[list[_ListRows]]:
    """Collect lists until they hold enough agendas for one query of their Fichas."""
    batch: list[_ListRows] = []
    gathered = 0
    for one in streamed:
        batch.append(one)
        gathered += len(one.rows)
        if gathered >= _AGENDAS_A_BATCH:
            yield batch
            batch, gathered = [], 0
    if batch:
        yield batch


def _documents(
    scene: EditionContext, company: Company, entry: ListCount, said: Sequence[CallPhrases]
) -> Iterator[Document]:
    page = build_call_list(company, entry, said)
    yield Document(f"{company.folder}/{list_file(entry.agent_id)}", page, page.count)
    if page.count and "files" in scene.kinds:
        listed = said[: page.count]
        yield from call_list_exports.export_documents(company, entry.agent_id, page, listed)


def build_call_list(
    company: Company, entry: ListCount, said: Sequence[CallPhrases]
) -> CallListPage:
    """Build a call list page.

    Args:
        company: The company of the list.
        entry: The agent and the counts to check the rows against.
        said: The phrases of the rows, those to call first, in the order of the list.

    Returns:
        The page, with the rows to call in the order of their cards.
    """
    addresses = ficha_files.ficha_addresses(entry.agent_id, [one.row.agenda_id for one in said])
    placed = list(zip(said, addresses, strict=True))
    count = sum(one.row.call_position is not None for one in said)
    return CallListPage(
        title=call_list_counts.title(entry.agent_id, entry.name),
        trail=(*company.trail, Link(company.name, INDEX)),
        up=company.up,
        stamp=company.stamp,
        proof=company.proof.with_identities(
            Identity(labels.IDENTITY_LIST_ROWS, count, entry.total),
            Identity(labels.IDENTITY_WAITING_ROWS, len(said) - count, entry.waiting),
        ),
        company_name=company.name,
        rows=tuple(call_rows(placed[:count])),
        reasons=tuple(_reasons(said[:count])),
        waiting=tuple([_wait_row(one, href) for one, href in placed[count:]]),
        untried=sum(one.row.days_untried is not None for one in said),
        files=call_list_exports.export_links(entry.agent_id) if count else (),
    )


def _reasons(said: Sequence[CallPhrases]) -> Iterator[ReasonCount]:
    counts = Counter(one.row.call_reason for one in said)
    for reason, label in labels.CALL_REASONS.items():
        if counts[reason]:
            yield ReasonCount(label, counts[reason])


def call_rows(placed: Iterable[tuple[CallPhrases, str]]) -> Iterator[CallRow]:
    """Build the rows to call, in the order of their cards, each with the address of its Ficha."""
    card: int | None = 0
    for said, href in placed:
        yield _call_row(said, href, is_same_person=said.row.card == card)
        card = said.row.card


def _call_row(said: CallPhrases, href: str, *, is_same_person: bool) -> CallRow:
    row = said.row
    return CallRow(
        row.call_position or 0,
        row.agenda_id,
        href.partition("#")[2],
        Link(said.client, href),
        said.phone,
        said.standing.why,
        said.signal,
        said.untried,
        said.vehicle,
        row.event_type,
        row.campaign,
        row.contact_date,
        said.attempts,
        tuple([labels.HINTS.get(hint, hint) for hint in row.hints or ()]),
        labels.SAME_PERSON if is_same_person else "",
    )


def _wait_row(said: CallPhrases, href: str) -> WaitRow:
    return WaitRow(
        href.partition("#")[2],
        Link(said.client, href),
        said.callable_from,
        said.standing.why,
        said.vehicle,
        said.row.event_type,
        said.row.contact_date,
    )
