"""The rows of one total of a company, as pages with filters (R14) and as exports."""

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
    """An entry of the list of buckets above the rows: its count and the link to its rows.

    The anchor of a bucket without rows is the entry itself.
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
    """Rows of a bucket that the browser lays out together; the first block has the anchor."""

    anchor: str
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class RowsSection:
    """The rows of one bucket on a page; `count` is that of the whole bucket.

    `following` links to the next page of a bucket that continues there.
    """

    anchor: str
    label: str
    count: int
    blocks: tuple[Block, ...]
    is_continued: bool
    following: str


class Offer(NamedTuple):
    """An option of a filter."""

    id: str
    name: str


class EventTypes(NamedTuple):
    """The event type options of one campaign."""

    campaign: Offer
    offered: tuple[Offer, ...]


class StaticFilterOptions(NamedTuple):
    """The options of the filters of R14: active campaigns and service desk teams only.

    `without_agent` tells whether there are rows without an agent.
    """

    campaigns: tuple[Offer, ...]
    event_types: tuple[EventTypes, ...]
    teams: tuple[Offer, ...]
    agents: tuple[Offer, ...]
    without_agent: bool


class Part(NamedTuple):
    """A page of the rows."""

    link: Link
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalRows(Page):
    """A page of the rows of a total, of all contact dates or of today's.

    `files` is the file name of the exports without extension; `other` is the page of the other
    dates.
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
    """Build the pages and exports of one total of a company, reading its rows once.

    Args:
        conn: An open transaction, because the cursor is on the server.
        scene: The context of the edition.
        company: The company.
        totalizer: The code of the total.

    Returns:
        The documents.
    """
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
    """Build one page of the rows.

    Args:
        company: The company.
        layout: The layout of the rows.
        named: The labels of the buckets.
        rows: All rows, in the order of the layout.
        part: The page number, from 1.

    Returns:
        The page.
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
    """Return the filter options that occur in the rows."""
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


# --- Exports ---------------------------------------------------------------------------------

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
    """Build the sheet of an export.

    Args:
        company: The company.
        totalizer: The code of the total.
        named: The labels of the buckets.
        rows: All rows of the total.

    Returns:
        The sheet.
    """
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
