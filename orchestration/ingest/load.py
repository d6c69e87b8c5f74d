"""Loads a delivery in one transaction, whole or not at all (R1, R2).

Two workers read tables into the schema `load_staging` while one transaction merges the staged
tables.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest import ledger, raw_tables, references, watermark
from orchestration.ingest.contract import (
    ENTITY_TABLES,
    REFERENCE_TABLES,
    SOURCE_TABLES,
    SourceTable,
)
from orchestration.ingest.errors import (
    UNKNOWN_REFERENCE,
    DeliveryRefused,
    NeedsRowByRow,
    RetryableRefusal,
    database_failed,
    interruption,
    refused,
)
from orchestration.ingest.ledger import TableLoad
from orchestration.ingest.manifest import check_row_count
from orchestration.ingest.merge import MergeResult, analyze_raw_table, merge_plain
from orchestration.ingest.parallel_staging import (
    Progress,
    StagingWorkers,
    load_connection,
    no_progress,
)
from orchestration.ingest.quarantine import check_rejected_share, merge_staged, retry_parked_rows
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.personal_data import known_numbers, redact_staged_rows
from orchestration.ingest.sources.delivery import Delivery
from orchestration.ingest.sources.open_source import (
    OpenOptions,
    manifest_key,
    open_delivery,
    source_label,
)
from orchestration.ingest.staging import StagedTable
from orchestration.ingest.whatsapp import redaction, spool, store
from orchestration.postgres import locks
from orchestration.postgres.database import Database

__all__ = [
    "DeliveryRefused",
    "LoadResult",
    "LoadSettings",
    "TableLoad",
    "drop_staging",
    "load_delivery",
    "source_label",
]


@dataclass(frozen=True)
class LoadSettings:
    """Options of a load.

    `row_by_row` disables the fast path; the result is the same. `home` is the state folder with the
    key of erased numbers, needed once a client was erased. `whatsapp_spool` is the folder of
    received WhatsApp events, which every load includes. A delivery in the folder `inbox` must match
    its manifest. A live source is read from `window` before its watermark, or whole when `whole` is
    set or the last full read is older than `whole_after`. A file with more than `max_file_bytes`,
    decompressed, refuses the delivery.
    """

    max_rejected_share: float = 0.05
    csv_encoding: str = "utf-8"
    row_by_row: bool = False
    home: Path | None = None
    whatsapp_spool: Path | None = None
    inbox: Path | None = None
    window: timedelta = timedelta(hours=2)
    whole: bool = False
    whole_after: timedelta = timedelta(hours=20)
    max_file_bytes: int = 4 << 30


@dataclass(frozen=True)
class LoadResult:
    """A loaded delivery: its row counts, notices, and rejected rows by table and reason."""

    delivery_id: int | None
    tables: tuple[TableLoad, ...]
    notices: tuple[str, ...]
    rejected_by_reason: Mapping[tuple[str, str], int]


def load_delivery(
    database: Database,
    source: str | Path | None,
    settings: LoadSettings,
    *,
    run_id: str = "",
    on_progress: Progress = no_progress,
) -> LoadResult:
    """Load a delivery folder or a database schema, in one transaction.

    Args:
        database: The database to load into.
        source: A folder, the URL of a database, or None to load only the WhatsApp events.
        settings: Options of the load.
        run_id: Id of the Dagster run, recorded in the ledger.
        on_progress: Called in this thread with a table's name and its rows read so far.

    Returns:
        The delivery's id, row counts, notices and rejected rows.

    Raises:
        DeliveryRefused: The delivery cannot be loaded. The refusal is recorded; no row is stored.
        DatabaseError: The database failed. Nothing is stored.
        ErasureKeyMissing: `home` lacks the key of erased numbers. Nothing is stored.
    """
    started_at = datetime.now(UTC)
    # Taken before the load: a folder overwritten meanwhile must not be recorded under its new key.
    key = manifest_key(source)
    try:
        with load_connection(database, "atendimento load") as conn, _only_load(conn):
            _clean(conn)
            try:
                with open_delivery(source, _opening(conn, settings)) as delivery:
                    key = delivery.manifest.key if delivery.manifest else key
                    return _load(
                        conn, database, delivery, settings, run_id, started_at, key, on_progress
                    )
            except DeliveryRefused as refusal:
                ledger.record_refusal(conn, source_label(source), run_id, started_at, refusal, key)
                raise
            finally:
                if not conn.broken:
                    _clean(conn)
    except psycopg.Error as error:
        if stop := interruption(error):
            raise stop from None
        raise database_failed(error) from None


def drop_staging(database: Database) -> None:
    """Drop the staging tables of a killed load; raise DeliveryRefused during another load."""
    with load_connection(database, "atendimento load") as conn, _only_load(conn):
        _clean(conn)


def _opening(conn: psycopg.Connection, settings: LoadSettings) -> OpenOptions:
    positions = (
        watermark.full_read_positions
        if settings.whole
        else watermark.read_positions(conn, settings.window, settings.whole_after)
    )
    return OpenOptions(settings.csv_encoding, settings.inbox, positions, settings.max_file_bytes)


@contextmanager
def _only_load(conn: psycopg.Connection) -> Iterator[None]:
    row = conn.execute("select pg_try_advisory_lock(%s)", [locks.LOAD]).fetchone()
    if row != (True,):
        raise refused("Another load is in progress.", "Wait until it has ended, then run again.")
    try:
        yield
    finally:
        if not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", [locks.LOAD])


def _clean(conn: psycopg.Connection) -> None:
    """Recreate the staging schema empty; the caller holds the load lock."""
    with conn.transaction():
        conn.execute(
            sql.SQL("drop schema if exists {0} cascade; create schema {0}").format(
                sql.Identifier(raw_tables.LOAD_STAGING)
            )
        )


def _load(
    conn: psycopg.Connection,
    database: Database,
    delivery: Delivery,
    settings: LoadSettings,
    run_id: str,
    started_at: datetime,
    key: str | None,
    on_progress: Progress,
) -> LoadResult:
    if not ledger.any_loaded(conn):
        _check_first(delivery)
    if "company" in delivery.tables:
        references.load_timezone_names(conn)
    erased = known_numbers(conn, settings.home)
    notices = delivery.notices
    if delivery.reading.source:
        notices += tuple(watermark.missing_tables(conn, delivery.label, delivery.tables))
    taken = (
        spool.claim_files(settings.whatsapp_spool)
        if settings.whatsapp_spool
        else spool.ClaimedFiles()
    )
    with (
        StagingWorkers(database, delivery, on_progress, row_by_row=settings.row_by_row) as readers,
        conn.transaction(),
    ):
        # The commit must be durable before the spool files are archived: they are not read again.
        conn.execute("set local synchronous_commit = on")
        number = ledger.insert_delivery(conn, delivery.label, run_id, started_at, key)
        loads = _load_references(conn, readers, number)
        by_reason: Counter[tuple[str, str]] = Counter()
        for table in ENTITY_TABLES:
            loads += _load_entity(
                conn, readers, delivery, table, number, settings, erased, by_reason
            )
        for load in loads:
            check_row_count(delivery.manifest, load.file, load.read)
        of_events, told = store.load_events(
            conn, database, delivery.whatsapp_events, taken, number, erased
        )
        loads += of_events
        ledger.finish_delivery(conn, number, loads)
    if settings.whatsapp_spool:
        if erased:
            redaction.drop_loaded_events(taken.files, erased)
        spool.archive_files(settings.whatsapp_spool, taken.files)
    return LoadResult(number, tuple(loads), (*notices, *taken.notices, *told), dict(by_reason))


def _check_first(delivery: Delivery) -> None:
    missing = [
        table.name
        for table in SOURCE_TABLES
        if table.name not in delivery.tables and not table.may_be_missing
    ]
    if missing:
        raise refused(
            f"The delivery {delivery.label} is the first, and does not hold {', '.join(missing)}.",
            "The first delivery holds every table but call_attempt; a table without rows is a "
            "file with its header alone.",
            RetryableRefusal,
        )


def _load_references(
    conn: psycopg.Connection, readers: StagingWorkers, delivery: int
) -> list[TableLoad]:
    started = time.monotonic()
    arrived = {
        table.name: readers.arrived(table.name)
        for table in REFERENCE_TABLES
        if readers.expects(table.name)
    }
    replaced = references.replace_reference_tables(conn, arrived, delivery)
    seconds = (time.monotonic() - started) / max(1, len(arrived))
    return [
        TableLoad(
            name, arrived[name].source.name, arrived[name].rows, rows.new, rows.known, 0, 0, 0,
            seconds,
        )
        for name, rows in replaced.items()
    ]  # fmt: skip


def _load_entity(
    conn: psycopg.Connection,
    readers: StagingWorkers,
    delivery: Delivery,
    table: SourceTable,
    number: int,
    settings: LoadSettings,
    erased: ErasedNumbers | None,
    by_reason: Counter[tuple[str, str]],
) -> list[TableLoad]:
    """Load one entity; parked rows are retried first, since they were delivered earlier."""
    started = time.monotonic()
    arrived = readers.arrived(table.name) if readers.expects(table.name) else None
    if arrived is not None:
        _blank_erased(conn, arrived, erased)
    retried = retry_parked_rows(conn, table, number, erased)
    by_reason.update({(table.name, reason): n for reason, n in retried.by_fault.items()})
    if arrived is None:
        if retried.new:
            analyze_raw_table(conn, table)
        if not (retried.unparked or retried.by_fault):
            return []
        return [
            TableLoad(table.name, "", 0, 0, 0, 0, 0, retried.unparked, time.monotonic() - started)
        ]
    arrived, merged = _merge(conn, readers, arrived, number, erased)
    reading = delivery.reading
    found = merged.by_fault
    by_reason.update({(table.name, reason): n for reason, n in found.items()})
    count_all = reading.count_all.get(table.name)
    check_rejected_share(conn, arrived, found, settings.max_rejected_share, number, count_all)
    watermark.advance_watermark(conn, reading, table.name, arrived.typed, number)
    if merged.new or retried.new:
        analyze_raw_table(conn, table)
    rejected = sum(n for reason, n in found.items() if reason != UNKNOWN_REFERENCE)
    return [
        TableLoad(
            table.name, arrived.source.name, arrived.rows, merged.new, merged.known,
            rejected, found[UNKNOWN_REFERENCE], retried.unparked, time.monotonic() - started,
            reading.since.get(table.name),
        )
    ]  # fmt: skip


def _merge(
    conn: psycopg.Connection,
    readers: StagingWorkers,
    arrived: StagedTable,
    delivery: int,
    erased: ErasedNumbers | None,
) -> tuple[StagedTable, MergeResult]:
    """Merge the staged table at once if it has no fault; else read it again row by row."""
    if arrived.faults is None:
        try:
            return arrived, merge_plain(conn, arrived.table, arrived.typed, arrived.rows, delivery)
        except NeedsRowByRow:
            arrived = readers.arrived_named(arrived.table.name)
            _blank_erased(conn, arrived, erased)
    return arrived, merge_staged(conn, arrived, delivery, erased)


def _blank_erased(
    conn: psycopg.Connection, arrived: StagedTable, erased: ErasedNumbers | None
) -> None:
    """Redact data of erased clients before rows are compared with stored versions."""
    if erased:
        redact_staged_rows(conn, arrived.table, arrived.typed, erased)
