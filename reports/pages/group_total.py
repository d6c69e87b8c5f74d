"""A total of the group by bucket and company; each number links to the company's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from reports import labels
from reports.documents import Document, EditionContext
from reports.exports import ExportColumn, Sheet, csv_writer, xlsx_writer
from reports.pages import totals
from reports.pages.total_pagination import page_addresses
from reports.pages.totals import NONE, Address, Count, Counts, Figure, figures
from reports.paths import INDEX, bucket_anchor, group_total_name
from reports.queries.companies import Company
from reports.view_model import Identity, Link, Page, Proof, Stamp


class GroupTotalPlace(NamedTuple):
    """A company, its totals, and the function that returns links to their rows."""

    company: Company
    counts: Counts
    address: Address


@dataclass(frozen=True, slots=True)
class CompanyCount:
    """A company's share of a bucket or total, with links to its rows."""

    link: Link
    today: Figure
    all_dates: Figure


@dataclass(frozen=True, slots=True)
class GroupPart:
    """The total or one of its buckets, and the companies that have rows in it."""

    anchor: str
    label: str
    count: Count
    companies: tuple[CompanyCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTotal(Page):
    """One total of the group."""

    template: ClassVar[str] = "group_total.html"

    note: str
    parts: tuple[GroupPart, ...]
    csv: str
    xlsx: str


def address(totalizer: str, bucket: str | None, _today: bool) -> str:
    """Return the link of a number of the group's report.

    Args:
        totalizer: The code of the total.
        bucket: The bucket, or None for the whole total.
        _today: Ignored, because today's numbers are beside those of all dates.

    Returns:
        The link.
    """
    page = f"{group_total_name(totalizer)}.html"
    return page if bucket is None else f"{page}#{bucket_anchor(bucket)}"


def group_total_documents(
    scene: EditionContext,
    stamp: Stamp,
    by_company: Mapping[str, Counts],
    loss_reasons: Mapping[str, str],
) -> Iterator[Document]:
    """Build each total as a page, CSV and XLSX.

    Args:
        scene: The context of the edition.
        stamp: The stamp of the pages.
        by_company: The counts by company id.
        loss_reasons: The names of loss reasons by id.

    Returns:
        The documents.
    """
    proof = Proof(scene.edition.run_id, scene.edition.fingerprint)
    places = [
        GroupTotalPlace(company, counts, page_addresses(counts, loss_reasons))
        for company in scene.companies
        if (counts := by_company.get(company.company_id))
    ]
    for totalizer in labels.TOTALIZERS:
        page = build_group_total(totalizer, places, loss_reasons, stamp, proof)
        yield Document(f"{group_total_name(totalizer)}.html", page)
        sheet = sheet_of(page)
        yield Document(page.csv, csv_writer(sheet))
        yield Document(page.xlsx, xlsx_writer(sheet))


def build_group_total(
    totalizer: str,
    places: Sequence[GroupTotalPlace],
    loss_reasons: Mapping[str, str],
    stamp: Stamp,
    proof: Proof,
) -> GroupTotal:
    """Build the page of one total of the group.

    Args:
        totalizer: The code of the total.
        places: The companies that have any rows, with their counts.
        loss_reasons: The names of loss reasons by id.
        stamp: The stamp of the page.
        proof: The proof of the page.

    Returns:
        The page: the total first, then its buckets in order.
    """
    group = totals.together(place.counts for place in places)

    def part(bucket: str | None, label: str) -> GroupPart:
        return GroupPart(
            "total" if bucket is None else bucket_anchor(bucket),
            label,
            _count(group, totalizer, bucket),
            tuple(
                _company_count(place, count, totalizer, bucket)
                for place in places
                if (count := _count(place.counts, totalizer, bucket)) != NONE
            ),
        )

    named = totals.buckets_of(totalizer, group, loss_reasons)
    parts = (
        part(None, labels.TOTAL),
        *(part(bucket, label) for bucket, label in named.items()),
    )
    name = group_total_name(totalizer)
    return GroupTotal(
        title=labels.TOTALIZERS[totalizer],
        trail=(Link(labels.GROUP, INDEX),),
        up="../",
        stamp=stamp,
        proof=proof.with_identities(
            Identity(
                labels.IDENTITY_GROUP_TOTAL,
                sum(company.all_dates.number for company in parts[0].companies),
                parts[0].count.all_dates,
            ),
            Identity(
                labels.IDENTITY_GROUP_PARTS,
                sum(company.all_dates.number for one in parts[1:] for company in one.companies),
                parts[0].count.all_dates,
            ),
        ),
        note=labels.TOTALIZER_NOTES[totalizer],
        parts=parts,
        csv=f"{name}.csv",
        xlsx=f"{name}.xlsx",
    )


def sheet_of(page: GroupTotal) -> Sheet:
    """Return the rows of the page without the total, which is their sum."""
    return Sheet(
        page.title,
        (
            ExportColumn(labels.GROUP_TOTAL_BUCKET, "text"),
            ExportColumn(labels.GROUP_TOTAL_COMPANY, "text"),
            ExportColumn(labels.GROUP_TOTAL_TODAY, "number"),
            ExportColumn(labels.GROUP_TOTAL_ALL, "number"),
        ),
        [
            (part.label, company.link.text, company.today.number, company.all_dates.number)
            for part in page.parts[1:]
            for company in part.companies
        ],
    )


def _company_count(
    place: GroupTotalPlace, count: Count, totalizer: str, bucket: str | None
) -> CompanyCount:
    folder = place.company.folder

    def address(of: str, part: str | None, today: bool) -> str:
        return f"{folder}/{place.address(of, part, today)}"

    return CompanyCount(
        Link(place.company.name, f"{folder}/{INDEX}"), *figures(count, totalizer, bucket, address)
    )


def _count(counts: Counts, totalizer: str, bucket: str | None) -> Count:
    if bucket is None:
        return totals.of_total(counts, totalizer)
    return counts.get((totalizer, bucket), NONE)
