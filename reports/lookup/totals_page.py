"""The main screen: an attendant's list, the filters, the totals under them, and rows of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, NamedTuple

from starlette.responses import Response

from reports import formats, labels
from reports.lookup import (
    filter_options,
    filter_params,
    grid_rows,
    home_list,
    lookup_labels,
    published_company,
)
from reports.lookup.filter_options import FilterOptions
from reports.lookup.filter_params import FilterParams
from reports.lookup.grid_rows import Span
from reports.lookup.home_list import HomeList
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import LookupPage, render_response
from reports.pages import totals
from reports.pages.counted_rows import Cells, ListedRow
from reports.pages.totals import Counts

FILES_PATH = "/linhas"
MOST_TAKEN = 100_000
"""The maximum number of rows of an export; the reports have exports without a limit."""
_ROWS_PLACE = "#linhas"


@dataclass(frozen=True, slots=True)
class Number:
    """A total or one of its buckets, with the link to its rows."""

    label: str
    count: int
    href: str
    is_chosen: bool


class TotalTile(NamedTuple):
    """One total and its buckets."""

    whole: Number
    note: str
    buckets: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class TotalsSection:
    """The rows of one bucket on the page; `count` is that of the whole bucket."""

    label: str
    count: int
    is_continued: bool
    rows: tuple[Cells, ...]


class Grid(NamedTuple):
    """A page of the selected rows. `range` is empty without rows."""

    title: str
    range: str
    sections: tuple[TotalsSection, ...]
    previous: str
    following: str
    csv: str
    xlsx: str


class Instant(NamedTuple):
    """The as_of of all numbers and the time of the latest data; local times."""

    as_of: datetime | None
    data_until: datetime | None
    timezone: str


class Form(NamedTuple):
    """The fields of the filter form; the hidden `total` preserves the selected total."""

    offers: FilterOptions
    first: date | None
    last: date | None
    total: str
    plain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsPage(LookupPage):
    """The screen of one company; `calls` is None for a manager."""

    template: ClassVar[str] = "lookup_screen.html"

    company_name: str
    instant: Instant
    calls: HomeList | None
    form: Form
    totals: tuple[TotalTile, ...]
    grid: Grid


@dataclass(frozen=True, slots=True)
class Picture:
    """The result of a selection.

    Attributes:
        counts: The counts of every total under the filters.
        loss_reasons: The names of loss reasons.
        named: The labels of the total's buckets, in order.
        shown: The selected buckets with their numbers of rows.
    """

    counts: Counts
    loss_reasons: Mapping[str, str]
    named: Mapping[str, str]
    shown: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """The number of selected rows."""
        return sum(count for _, count in self.shown)


def picture_of(visit: RequestContext, choice: FilterParams) -> Picture:
    """Count the rows of a selection."""
    counts = totals.find_totals(visit.conn, choice.filters(visit.user.access)).get(
        choice.company_id, {}
    )
    loss_reasons = totals.find_loss_reasons(visit.conn)
    named = totals.buckets_of(choice.total, counts, loss_reasons)
    return Picture(
        counts,
        loss_reasons,
        named,
        tuple(
            (bucket, counts[choice.total, bucket].all_dates)
            for bucket in named
            if (choice.total, bucket) in counts and choice.bucket in (None, bucket)
        ),
    )


def show(visit: RequestContext) -> Response:
    """Show the screen."""
    choice = filter_params.read_filter_params(visit.conn, visit.user, visit.request.query_params)
    company = published_company.company_of(visit.conn, visit.user, choice.company_id)
    picture = picture_of(visit, choice)
    # The selection may have fewer pages than when the link was created.
    choice = choice.at(min(choice.page, max(1, -(-picture.count // grid_rows.ROWS_A_PAGE))))
    spans = list(grid_rows.spans_of(picture.shown, choice.page))
    filters = choice.filters(visit.user.access)
    found = grid_rows.find_row_page(visit.conn, filters, company, choice.total, spans)
    calls = None if visit.user.is_manager else home_list.find_home_list(visit, company)
    shown = {"listed": str(len(calls.rows))} if calls and calls.rows else {}
    if found:
        shown |= {
            "total": choice.total,
            "page": str(choice.page),
            "rows": str(sum(len(listed) for _, listed in found)),
        }
    if shown:
        visit.record("rows_shown", company_id=choice.company_id, **shown)
    page = TotalsPage(
        title=lookup_labels.SCREEN,
        signed=visit.signed,
        company_name=company.name,
        instant=Instant(company.stamp.as_of, company.stamp.data_until, company.stamp.timezone),
        calls=calls,
        form=Form(
            filter_options.find_filter_options(visit.conn, visit.user, choice),
            choice.first,
            choice.last,
            choice.total,
            FilterParams(choice.company_id, total=choice.total).address(),
        ),
        totals=_totals(choice, picture),
        grid=_grid(choice, picture, found),
    )
    return render_response(page)


def _totals(choice: FilterParams, picture: Picture) -> tuple[TotalTile, ...]:
    return tuple(
        TotalTile(
            _number(choice, code, None, label, totals.of_total(picture.counts, code).all_dates),
            labels.TOTALIZER_NOTES[code],
            tuple(
                _number(choice, code, bucket, name, _count(picture.counts, code, bucket))
                for bucket, name in _buckets(picture, code).items()
            ),
        )
        for code, label in labels.TOTALIZERS.items()
    )


def _buckets(picture: Picture, total: str) -> Mapping[str, str]:
    """Return the labels of a total's buckets; of the many loss reasons only those that occur."""
    named = totals.buckets_of(total, picture.counts, picture.loss_reasons)
    if total != "refused":
        return named
    return {code: name for code, name in named.items() if (total, code) in picture.counts}


def _count(counts: Counts, total: str, bucket: str) -> int:
    return counts.get((total, bucket), totals.NONE).all_dates


def _number(choice: FilterParams, total: str, bucket: str | None, label: str, count: int) -> Number:
    return Number(
        label,
        count,
        choice.of(total, bucket).address() + _ROWS_PLACE,
        (total, bucket) == (choice.total, choice.bucket),
    )


def _grid(
    choice: FilterParams,
    picture: Picture,
    found: Sequence[tuple[Span, list[ListedRow]]],
) -> Grid:
    first = (choice.page - 1) * grid_rows.ROWS_A_PAGE
    last = first + sum(len(listed) for _, listed in found)
    counts = dict(picture.shown)
    is_small = picture.count <= MOST_TAKEN
    title = labels.TOTALIZERS[choice.total]
    if choice.bucket is not None:
        title = f"{title}: {picture.named.get(choice.bucket, choice.bucket)}"
    return Grid(
        title,
        lookup_labels.ROWS_SHOWN.format(
            first=formats.number(first + 1),
            last=formats.number(last),
            count=formats.number(picture.count),
        )
        if found
        else "",
        tuple(
            TotalsSection(
                picture.named[span.bucket],
                counts[span.bucket],
                span.skipped > 0,
                tuple(row.cells for row in listed),
            )
            for span, listed in found
        ),
        choice.at(choice.page - 1).address() + _ROWS_PLACE if choice.page > 1 else "",
        choice.at(choice.page + 1).address() + _ROWS_PLACE if last < picture.count else "",
        choice.at(1).address(f"{FILES_PATH}.csv") if is_small else "",
        choice.at(1).address(f"{FILES_PATH}.xlsx") if is_small else "",
    )
