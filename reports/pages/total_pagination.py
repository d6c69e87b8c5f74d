"""Where the rows of a total stand: on which of its pages, and at which address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports import labels
from reports.pages import totals
from reports.paths import bucket_anchor, total_name

ROWS_A_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The buckets of a total in the order of its pages, with how many rows each has: of all contact
    dates or of today's.
    """

    totalizer: str
    is_today: bool
    counts: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """All rows."""
        return sum(count for _, count in self.counts)

    @property
    def pages(self) -> int:
        """How many pages there are; an empty total has one too."""
        return max(1, -(-self.count // ROWS_A_PAGE))

    @property
    def spans(self) -> dict[str, range]:
        """The numbers of the pages on which each bucket that has rows stands."""
        spans = {}
        before = 0
        for bucket, count in self.counts:
            if count:
                last = (before + count - 1) // ROWS_A_PAGE + 1
                spans[bucket] = range(before // ROWS_A_PAGE + 1, last + 1)
            before += count
        return spans

    def rows_of(self, page: int) -> range:
        """The places, from 0 on, of the rows on a page."""
        return range((page - 1) * ROWS_A_PAGE, min(page * ROWS_A_PAGE, self.count))

    def file(self, page: int) -> str:
        """The name of a page, from 1 on."""
        return f"{total_name(self.totalizer, today=self.is_today, part=page)}.html"


def layout_of(
    totalizer: str, counts: totals.Counts, loss_reasons: Mapping[str, str], *, today: bool
) -> Layout:
    """How the rows that were counted are laid out."""
    found = [
        (bucket, counts.get((totalizer, bucket), totals.NONE))
        for bucket in totals.buckets_of(totalizer, counts, loss_reasons)
    ]
    return Layout(
        totalizer,
        today,
        tuple((bucket, count.today if today else count.all_dates) for bucket, count in found),
    )


def place_of(layout: Layout, bucket: str | None) -> str:
    """The address, within the company's folder, where the rows of a bucket begin, or (None) those
    of the whole total. A bucket without rows is named on the first page.
    """
    if bucket is None:
        return layout.file(1)
    pages = layout.spans.get(bucket, range(1, 2))
    return f"{layout.file(pages[0])}#{bucket_anchor(bucket)}"


def page_addresses(counts: totals.Counts, loss_reasons: Mapping[str, str]) -> totals.Address:
    """Where every number of a company's totals leads, within its folder."""
    layouts = {
        (totalizer, today): layout_of(totalizer, counts, loss_reasons, today=today)
        for totalizer in labels.TOTALIZERS
        for today in (False, True)
    }

    def address(totalizer: str, bucket: str | None, today: bool) -> str:
        return place_of(layouts[totalizer, today], bucket)

    return address
