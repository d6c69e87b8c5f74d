"""The rows of one total of a company: as pages with filters (R14), as CSV and as XLSX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, islice
from typing import ClassVar, NamedTuple

import psycopg

from reports import exports, formats, labels
from reports.documents import Document, EditionContext
from reports.exports import ExportColumn, Sheet
from reports.pages import counted_rows, totals
from reports.pages.counted_rows import CellIds, Cells, ListedRow
from reports.pages.ficha_files import ficha_places
from reports.pages.total_pagination import Layout, layout_of, place_of
from reports.paths import INDEX, bucket_anchor, total_name
from reports.queries.companies import Company
from reports.view_model import Identity, Link, Page
from reports.xlsx import Value

_ROWS_A_BLOCK = 40


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket in the list above the rows: its count, and where its rows begin. One without rows
    has its anchor in that list.
    """

    label: str
    count: int
    href: str
    anchor: str


class GridRow(NamedTuple):
    """A row with the ids that the filters compare."""

    ids: CellIds
    cells: Cells


class Block(NamedTuple):
    """Some of the rows of a bucket: what a browser lays out at a time. The first has the anchor."""

    anchor: str
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class RowsSection:
    """The rows of one bucket on a page, of all that it counts; of a bucket that goes on,
    `following` is where.
    """

    anchor: str
    label: str
    count: int
    blocks: tuple[Block, ...]
    is_continued: bool
    following: str


class Offer(NamedTuple):
    """One choice of a filter."""

    id: str
    name: str


class EventTypes(NamedTuple):
    """What is offered of the event types of one campaign."""

    campaign: Offer
    offered: tuple[Offer, ...]


class StaticFilterOptions(NamedTuple):
    """What the filters of R14 offer: of campaigns the active ones, of teams the service desks.
    `without_agent`: whether there are rows that no agent has.
    """

    campaigns: tuple[Offer, ...]
    event_types: tuple[EventTypes, ...]
    teams: tuple[Offer, ...]
    agents: tuple[Offer, ...]
    without_agent: bool


class Part(NamedTuple):
    """One of the pages that the rows are laid out on."""

    link: Link
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalRows(Page):
    """The rows of a total, of all contact dates or of today's; a part of them when they are many.

    `files` is the name of the CSV and XLSX without its ending, `other` the page of the other dates.
    """

    template: ClassVar[str] = "total_rows.html"
    script: ClassVar[str | None] = "grid.js"

    company_name: str
    total: str
    note: str
    count: int
    is_today: bool
    other: str
    files: str
    today: date
    yesterday: date
    bucket_name: str
    buckets: tuple[Bucket, ...]
    sections: tuple[RowsSection, ...]
    parts: tuple[Part, ...]
    offers: StaticFilterOptions


def total_rows_documents(
    conn: psycopg.Connection, scene: EditionContext, company: Company, totalizer: str
) -> Iterator[Document]:
    """The pages and files of one total of a company, from one pass over its rows."""
    filters = replace(scene.filters, company_id=company.company_id)
    counts = totals.find_totals(conn, filters).get(company.company_id, {})
    loss_reasons = totals.find_loss_reasons(conn)
    named = totals.buckets_of(totalizer, counts, loss_reasons)
    fichas = ficha_places(conn, filters)
    rows = counted_rows.find_rows(conn, scene, company, totalizer, tuple(named), fichas)
    identities = _identities(company, totalizer, rows, totals.of_total(counts, totalizer))
    company = company._replace(proof=company.proof.with_identities(*identities))
    for today in (False, True):
        shown = [row for row in rows if row.contact_date == company.local_date] if today else rows
        layout = layout_of(totalizer, counts, loss_reasons, today=today)
        for part in range(1, layout.pages + 1):
            page = build_total_rows(company, layout, named, shown, part)
            yield Document(f"{company.folder}/{layout.file(part)}", page)
    if "files" not in scene.kinds:
        return
    path = f"{company.folder}/{total_name(totalizer)}"
    for ending, writer in (("csv", exports.csv_writer), ("xlsx", exports.xlsx_writer)):
        yield Document(f"{path}.{ending}", writer(export_sheet(company, totalizer, named, rows)))


def _identities(
    company: Company, totalizer: str, rows: Sequence[ListedRow], count: totals.Count
) -> tuple[Identity, Identity]:
    total = labels.TOTALIZERS[totalizer]
    of_today = sum(row.contact_date == company.local_date for row in rows)
    return (
        Identity(labels.IDENTITY_TOTAL_ROWS.format(total=total), len(rows), count.all_dates),
        Identity(labels.IDENTITY_TOTAL_ROWS_TODAY.format(total=total), of_today, count.today),
    )


# --- A page ----------------------------------------------------------------------------------


def build_total_rows(
    company: Company,
    layout: Layout,
    named: Mapping[str, str],
    rows: Sequence[ListedRow],
    part: int,
) -> TotalRows:
    """One page of the rows, which are given in the order of the layout. `named` are the buckets'
    labels.
    """
    total = labels.TOTALIZERS[layout.totalizer]
    places = layout.rows_of(part)
    shown = rows[places.start : places.stop]
    return TotalRows(
        title=labels.ROWS_OF_TODAY.format(total=total) if layout.is_today else total,
        trail=(*company.trail, Link(company.name, INDEX)),
        up=company.up,
        stamp=company.stamp,
        proof=company.proof,
        company_name=company.name,
        total=total,
        note=labels.TOTALIZER_NOTES[layout.totalizer],
        count=layout.count,
        is_today=layout.is_today,
        other=f"{total_name(layout.totalizer, today=not layout.is_today)}.html",
        files=total_name(layout.totalizer),
        today=company.local_date,
        yesterday=company.local_date - timedelta(days=1),
        bucket_name=labels.BUCKET_NAMES[layout.totalizer],
        buckets=tuple(
            Bucket(named[code], count, place_of(layout, code), bucket_anchor(code))
            for code, count in layout.counts
        ),
        sections=tuple(_sections(layout, named, shown, part)),
        parts=tuple(_parts(layout, part)) if layout.pages > 1 else (),
        offers=filter_options(shown),
    )


def _sections(
    layout: Layout, named: Mapping[str, str], rows: Iterable[ListedRow], part: int
) -> Iterator[RowsSection]:
    counts = dict(layout.counts)
    spans = layout.spans
    for bucket, found in groupby(rows, key=lambda row: row.bucket):
        anchor = bucket_anchor(bucket)
        pages = spans.get(bucket, range(part, part + 1))
        yield RowsSection(
            anchor,
            named.get(bucket, bucket),
            counts.get(bucket, 0),
            tuple(_blocks(anchor, (GridRow(row.ids, row.cells) for row in found))),
            part > pages[0],
            f"{layout.file(part + 1)}#{anchor}" if part < pages[-1] else "",
        )


def _blocks(anchor: str, rows: Iterator[GridRow]) -> Iterator[Block]:
    while block := tuple(islice(rows, _ROWS_A_BLOCK)):
        yield Block(anchor, block)
        anchor = ""


def _parts(layout: Layout, this: int) -> Iterator[Part]:
    for part in range(1, layout.pages + 1):
        places = layout.rows_of(part)
        words = labels.ROWS_PART.format(
            first=formats.number(places.start + 1), last=formats.number(places.stop)
        )
        yield Part(Link(words, layout.file(part)), part == this)


def filter_options(rows: Iterable[ListedRow]) -> StaticFilterOptions:
    """What may be chosen among these rows."""
    campaigns: dict[Offer, set[Offer]] = {}
    teams: set[Offer] = set()
    agents: set[Offer] = set()
    without_agent = False
    for row in rows:
        ids, cells = row.ids, row.cells
        if row.offers_campaign and ids.campaign and ids.event_type:
            of_campaign = campaigns.setdefault(Offer(ids.campaign, cells.campaign), set())
            of_campaign.add(Offer(ids.event_type, cells.event_type))
        if row.offers_team and ids.team:
            teams.add(Offer(ids.team, cells.team))
        if ids.agent:
            agents.add(Offer(ids.agent, cells.agent))
        else:
            without_agent = True
    in_order = _in_order(campaigns)
    return StaticFilterOptions(
        in_order,
        tuple(EventTypes(campaign, _in_order(campaigns[campaign])) for campaign in in_order),
        _in_order(teams),
        _in_order(agents),
        without_agent,
    )


def _in_order(offered: Iterable[Offer]) -> tuple[Offer, ...]:
    return tuple(sorted(offered, key=lambda one: (formats.name_order(one.name), one.id)))


# --- To take away ----------------------------------------------------------------------------

_COLUMNS = (
    ExportColumn(labels.GRID_COLUMNS["client"], width=34),
    ExportColumn(labels.GRID_COLUMNS["agenda"], width=14),
    ExportColumn(labels.GRID_COLUMNS["contact_date"], "day"),
    ExportColumn(labels.GRID_COLUMNS["campaign"]),
    ExportColumn(labels.GRID_COLUMNS["event_type"]),
    ExportColumn(labels.GRID_COLUMNS["team"]),
    ExportColumn(labels.GRID_COLUMNS["agent"]),
    ExportColumn(labels.GRID_COLUMNS["whatsapp"], width=34),
    ExportColumn(labels.GRID_COLUMNS["sent_at"], "moment"),
    ExportColumn(labels.GRID_COLUMNS["situation"], width=44),
)


def export_sheet(
    company: Company, totalizer: str, named: Mapping[str, str], rows: Sequence[ListedRow]
) -> Sheet:
    """All rows as a file to take away."""
    return Sheet(
        labels.TOTALIZERS[totalizer],
        (ExportColumn(labels.BUCKET_NAMES[totalizer]), *_COLUMNS),
        (_values(named, row) for row in rows),
        exports.sheet_of_proof(company.stamp, company.proof),
    )


def _values(named: Mapping[str, str], row: ListedRow) -> tuple[Value, ...]:
    cells = row.cells
    return (
        named.get(row.bucket, row.bucket),
        cells.client,
        cells.agenda_id,
        row.contact_date,
        cells.campaign,
        cells.event_type,
        cells.team,
        cells.agent,
        row.whatsapp,
        row.last_sent_at,
        cells.situation,
    )
