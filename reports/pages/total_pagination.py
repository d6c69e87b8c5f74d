"""The pagination of a total's rows: the page and link of every bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports import labels
from reports.pages import totals
from reports.paths import bucket_anchor, total_name

ROWS_A_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The buckets of a total in display order with their row counts, of all dates or of today."""

    totalizer: str
    is_today: bool
    counts: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(count for _, count in self.counts)

    @property
    def pages(self) -> int:
        """The number of pages; an empty total has one."""
        return max(1, -(-self.count // ROWS_A_PAGE))

    @property
    def spans(self) -> dict[str, range]:
        """The page numbers of each bucket that has rows."""
        spans = {}
        before = 0
        for bucket, count in self.counts:
            if count:
                last = (before + count - 1) // ROWS_A_PAGE + 1
                spans[bucket] = range(before // ROWS_A_PAGE + 1, last + 1)
            before += count
        return spans

    def rows_of(self, page: int) -> range:
        """Return the indexes of the rows on a page."""
        return range((page - 1) * ROWS_A_PAGE, min(page * ROWS_A_PAGE, self.count))

    def file(self, page: int) -> str:
        """Return the file name of a page; pages start at 1."""
        return f"{total_name(self.totalizer, today=self.is_today, part=page)}.html"


def layout_of(
    totalizer: str, counts: totals.Counts, loss_reasons: Mapping[str, str], *, today: bool
) -> Layout:
    """Lay out the rows of a total.

    Args:
        totalizer: The code of the total.
        counts: The company's counts.
        loss_reasons: The names of loss reasons by id.
        today: Whether to lay out today's rows only.

    Returns:
        The layout.
    """
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
    """Return the link, within the company's folder, to the rows of a bucket or of the whole total
    (None).

    A bucket without rows is linked to the first page, which lists it.
    """
    if bucket is None:
        return layout.file(1)
    pages = layout.spans.get(bucket, range(1, 2))
    return f"{layout.file(pages[0])}#{bucket_anchor(bucket)}"


def page_addresses(counts: totals.Counts, loss_reasons: Mapping[str, str]) -> totals.Address:
    """Return a function that gives the link, within the company's folder, of every number."""
    layouts = {
        (totalizer, today): layout_of(totalizer, counts, loss_reasons, today=today)
        for totalizer in labels.TOTALIZERS
        for today in (False, True)
    }

    def address(totalizer: str, bucket: str | None, today: bool) -> str:
        return place_of(layouts[totalizer, today], bucket)

    return address
