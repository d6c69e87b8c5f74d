"""Lists deliveries and what became of them, and what waits to be loaded.

It shows names of sources and files, and counts: no personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from orchestration.ingest import ledger
from orchestration.ingest.inbox import InboxFolder, inbox_folders
from orchestration.ingest.whatsapp.spool import CLOSED, OPEN
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings

DAYS_SHOWN = 7

_DELIVERIES = """
select delivery_id, started_at, source, status, message
from ops.delivery where started_at >= %s and started_at < %s order by delivery_id
"""
_FILES = """
select
    delivery_id, file_name, rows_read, rows_new, rows_known, rows_rejected, rows_parked, read_since
from ops.delivery_file where delivery_id = any(%s)
order by delivery_id, table_name collate "C"
"""


@dataclass(frozen=True, slots=True)
class DeliveryFile:
    """A row of `ops.delivery_file`."""

    delivery_id: int
    file_name: str
    rows_read: int
    rows_new: int
    rows_known: int
    rows_rejected: int
    rows_parked: int
    read_since: datetime | None


@dataclass(frozen=True, slots=True)
class _DeliveryRow:
    """A row of `ops.delivery`."""

    delivery_id: int
    started_at: datetime
    source: str
    status: str
    message: str | None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery and its files. `message` is the first line of why it was refused."""

    started_at: datetime
    source: str
    status: str
    message: str
    files: Sequence[DeliveryFile]


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file of WhatsApp events that waits for the next run, or is being written."""

    name: str
    is_open: bool
    written_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What came from `first` to `last`, and what has not been loaded."""

    first: date
    last: date
    deliveries: Sequence[DeliveryRecord]
    waiting: Sequence[InboxFolder]
    spool: Sequence[SpoolFile]


def read_deliveries(
    settings: Settings, first: date | None, last: date | None, today: date
) -> DeliveryReport:
    """Read the deliveries of some days and what waits to be loaded.

    Args:
        settings: The database, the inbox and the spool, and the time zone of the days.
        first: The first day; by default a week before the last.
        last: The last day; by default today.
        today: The day it is in that time zone.

    Raises:
        DatabaseError: The database cannot be used.
    """
    zone = ZoneInfo(settings.group_timezone)
    first = first or min(last or today, today) - timedelta(days=DAYS_SHOWN - 1)
    last = last or max(today, first)
    with open_database(settings).connect() as conn:
        return DeliveryReport(
            first,
            last,
            list(_loaded(conn, _start(first, zone), _start(last + timedelta(days=1), zone))),
            [
                folder
                for folder in inbox_folders(settings.watched)
                if not (folder.complete and ledger.is_known_delivery(conn, *folder.content))
            ],
            list(_spooled(settings.whatsapp_spool)),
        )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _loaded(conn: psycopg.Connection, since: datetime, until: datetime) -> Iterator[DeliveryRecord]:
    deliveries = (
        conn.cursor(row_factory=class_row(_DeliveryRow))
        .execute(_DELIVERIES, [since, until])
        .fetchall()
    )
    files: dict[int, list[DeliveryFile]] = {row.delivery_id: [] for row in deliveries}
    for file in conn.cursor(row_factory=class_row(DeliveryFile)).execute(_FILES, [list(files)]):
        files[file.delivery_id].append(file)
    for row in deliveries:
        of_it = files[row.delivery_id]
        message = (row.message or "").partition("\n")[0]
        yield DeliveryRecord(row.started_at, row.source, _status(row, of_it), message, of_it)


def _status(delivery: _DeliveryRow, files: Sequence[DeliveryFile]) -> str:
    """`again`: it was loaded, and every row of it was known."""
    read, known = sum(file.rows_read for file in files), sum(file.rows_known for file in files)
    return "again" if delivery.status == "loaded" and read and read == known else delivery.status


def _spooled(spool: Path) -> Iterator[SpoolFile]:
    if not spool.is_dir():
        return
    for path in sorted(spool.iterdir()):
        if path.name.endswith((CLOSED, f"{CLOSED}.gz", OPEN)):
            written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield SpoolFile(path.name, path.name.endswith(OPEN), written_at)
