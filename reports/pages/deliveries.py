"""The latest deliveries file by file, and the quarantined rows (R2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg

from reports import formats, labels

LAST_DELIVERIES = 5


class DeliveryRow(NamedTuple):
    """A row of `ops.delivery`; `message` is the first line of the reason for a refusal."""

    delivery_id: int
    source: str
    finished_at: datetime
    status: str
    message: str


class FileRow(NamedTuple):
    """A row of `ops.delivery_file`: read = new + known + rejected + parked."""

    delivery_id: int
    table_name: str
    file_name: str
    read: int
    new: int
    known: int
    rejected: int
    parked: int


class SetAsideRow(NamedTuple):
    """The number of quarantined rows of a table, by reason."""

    table_name: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class FileLine:
    """The counts of one file, or of all files of a delivery."""

    label: str
    file_name: str
    read: int
    new: int
    known: int
    rejected: int
    parked: int


@dataclass(frozen=True, slots=True)
class DeliveryLines:
    """A loaded or refused delivery. `sentence` is the program's message, in English."""

    number: int
    finished_at: datetime
    source: str
    is_newest: bool
    is_loaded: bool
    words: str
    sentence: str
    files: tuple[FileLine, ...]
    total: FileLine


@dataclass(frozen=True, slots=True)
class SetAsideLine:
    """A formatted `SetAsideRow`."""

    label: str
    reason: str
    rows: int


_DELIVERIES = """
select delivery_id, source, coalesce(finished_at, started_at) as finished_at, status,
    split_part(coalesce(message, ''), chr(10), 1) as message
from ops.delivery
order by delivery_id desc
limit %(most)s
"""

_FILES = """
select delivery_id, table_name, file_name, rows_read, rows_new, rows_known, rows_rejected,
    rows_parked
from ops.delivery_file
where delivery_id = any(%(deliveries)s)
"""

_SET_ASIDE = """
select table_name, reason, count(*) as rows
from raw.rejected_row
group by table_name, reason
"""


def find_deliveries(conn: psycopg.Connection, timezone: str) -> list[DeliveryLines]:
    """Read and format the latest deliveries, newest first."""
    rows = [DeliveryRow._make(row) for row in conn.execute(_DELIVERIES, {"most": LAST_DELIVERIES})]
    numbers = [row.delivery_id for row in rows]
    files = [FileRow._make(row) for row in conn.execute(_FILES, {"deliveries": numbers})]
    return [
        build_deliveries(
            row,
            [file for file in files if file.delivery_id == row.delivery_id],
            timezone,
            is_newest=row == rows[0],
        )
        for row in rows
    ]


def find_set_aside(conn: psycopg.Connection) -> list[SetAsideRow]:
    """Count the quarantined rows by table and reason, with an index-only scan."""
    return [SetAsideRow._make(row) for row in conn.execute(_SET_ASIDE)]


def build_deliveries(
    delivery: DeliveryRow, files: Sequence[FileRow], timezone: str, *, is_newest: bool
) -> DeliveryLines:
    """Format a delivery.

    Args:
        delivery: The delivery.
        files: Its files, in any order.
        timezone: The group's time zone.
        is_newest: Whether it is the latest delivery.

    Returns:
        The delivery, with its files in the order of the source contract.
    """
    order = list(labels.SOURCE_TABLES)
    lines = [_file(file) for file in sorted(files, key=lambda file: _place(order, file.table_name))]
    is_loaded = delivery.status == "loaded"
    return DeliveryLines(
        number=delivery.delivery_id,
        finished_at=formats.local(delivery.finished_at, timezone),
        # Only the last folder: the full path may contain a user name.
        source=delivery.source.rstrip("/").rpartition("/")[2],
        is_newest=is_newest,
        is_loaded=is_loaded,
        words=labels.DELIVERY_LOADED if is_loaded else labels.DELIVERY_REFUSED,
        sentence=delivery.message,
        files=tuple(lines),
        total=FileLine(
            "",
            "",
            *(
                sum(getattr(line, name) for line in lines)
                for name in ("read", "new", "known", "rejected", "parked")
            ),
        ),
    )


def set_aside(
    rows: Iterable[SetAsideRow],
) -> tuple[tuple[SetAsideLine, ...], tuple[SetAsideLine, ...]]:
    """Return the rejected and the parked rows, largest count first."""
    ordered = sorted(rows, key=lambda row: (-row.rows, row.table_name, row.reason))
    return (
        tuple(_set_aside(row) for row in ordered if row.reason != labels.PARKED),
        tuple(_set_aside(row) for row in ordered if row.reason == labels.PARKED),
    )


def _file(file: FileRow) -> FileLine:
    label = labels.SOURCE_TABLES.get(file.table_name, file.table_name)
    return FileLine(label, *file[2:])


def _set_aside(row: SetAsideRow) -> SetAsideLine:
    return SetAsideLine(
        labels.SOURCE_TABLES.get(row.table_name, row.table_name),
        labels.SET_ASIDE_REASONS.get(row.reason, row.reason),
        row.rows,
    )


def _place(order: Sequence[str], table: str) -> tuple[int, str]:
    return (order.index(table) if table in order else len(order), table)
