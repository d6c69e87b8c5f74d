"""`atendimento deliveries`: what came when, and what became of it.

No personal data: names of sources and files, and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from orchestration.ingest import ledger, raw_tables
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
from ops.delivery_file where delivery_id = any(%s) order by delivery_id, table_name
"""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A row of `ops.delivery`."""

    delivery_id: int
    started_at: datetime
    source: str
    status: str
    message: str | None


@dataclass(frozen=True, slots=True)
class _File:
    """A row of `ops.delivery_file`."""

    delivery_id: int
    file_name: str
    rows_read: int
    rows_new: int
    rows_known: int
    rows_rejected: int
    rows_parked: int
    read_since: datetime | None


def delivery_report(
    settings: Settings, first: date | None, last: date | None, today: date
) -> Iterator[str]:
    """One line for each delivery of these days with its files, then what has not been loaded."""
    zone = ZoneInfo(settings.group_timezone)
    first = first or min(last or today, today) - timedelta(days=DAYS_SHOWN - 1)
    last = last or max(today, first)
    with open_database(settings).connect() as conn:
        raw_tables.create_raw_tables(conn)
        found = list(_loaded(conn, zone, _start(first, zone), _start(last + _DAY, zone)))
        yield from found or [f"No delivery came from {first} to {last}."]
        yield from _waiting(conn, settings, zone)


_DAY = timedelta(days=1)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _loaded(
    conn: psycopg.Connection, zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[str]:
    deliveries = (
        conn.cursor(row_factory=class_row(_Delivery))
        .execute(_DELIVERIES, [since, until])
        .fetchall()
    )
    files: dict[int, list[_File]] = {delivery.delivery_id: [] for delivery in deliveries}
    for file in conn.cursor(row_factory=class_row(_File)).execute(_FILES, [list(files)]):
        files[file.delivery_id].append(file)
    for delivery in deliveries:
        became = _became(delivery, files[delivery.delivery_id])
        yield f"{_when(delivery.started_at, zone)}  {became:<8} {delivery.source}"
        if delivery.message:
            yield f"    {delivery.message.splitlines()[0]}"
        for file in files[delivery.delivery_id]:
            part = f"  from {_when(file.read_since, zone)} on" if file.read_since else ""
            yield (
                f"    {file.file_name:<24} read {file.rows_read:,}  new {file.rows_new:,}"
                f"  known {file.rows_known:,}  rejected {file.rows_rejected:,}"
                f"  parked {file.rows_parked:,}{part}"
            )


def _became(delivery: _Delivery, files: Iterable[_File]) -> str:
    """`again`: it was loaded, and every row of it was known."""
    read, known = 0, 0
    for file in files:
        read, known = read + file.rows_read, known + file.rows_known
    return "again" if delivery.status == "loaded" and read and read == known else delivery.status


def _waiting(conn: psycopg.Connection, settings: Settings, zone: ZoneInfo) -> Iterator[str]:
    lines = [
        _standing(folder, zone)
        for folder in inbox_folders(settings.watched)
        if not (folder.complete and ledger.is_known_delivery(conn, *folder.content))
    ]
    if lines:
        yield f"In {settings.watched}:"
        yield from lines
    yield from _spooled(settings.whatsapp_spool, zone)


def _standing(folder: InboxFolder, zone: ZoneInfo) -> str:
    what = "complete, not taken yet" if folder.complete else "incomplete"
    lacks = "".join(f"\n      {lack}" for lack in folder.lacks)
    return f"    {folder.path.name}: {what}, last written {_when(folder.written_at, zone)}{lacks}"


def _spooled(spool: Path, zone: ZoneInfo) -> Iterator[str]:
    """WhatsApp's files that wait for the next run."""
    if not spool.is_dir():
        return
    for path in sorted(spool.iterdir()):
        if path.name.endswith((CLOSED, f"{CLOSED}.gz", OPEN)):
            what = "being written" if path.name.endswith(OPEN) else "waits for the next run"
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield f"WhatsApp events {path.name}: {what}, last written {_when(at, zone)}"


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
