"""Reads and writes the ledger of deliveries: `ops.delivery` and `ops.delivery_file`.

The ledger holds no personal data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from orchestration.errors import DatabaseError
from orchestration.ingest.contract import REFERENCE_TABLES
from orchestration.ingest.errors import (
    UNCHANGED,
    DeliveryRefused,
    RetryableRefusal,
    SourceUnreadable,
)


@dataclass(frozen=True, slots=True)
class TableLoad:
    """Row counts of one loaded file: read = new + known + rejected + parked.

    Each is counted for itself, so that `finish_delivery` can find that rows are missing.
    `unparked` counts rows parked by earlier deliveries whose reference arrived in this one.
    """

    table: str
    file: str
    read: int
    new: int
    known: int
    rejected: int
    parked: int
    unparked: int
    seconds: float
    since: datetime | None = None  # only versions from this `updated_at` on were read


def any_loaded(conn: psycopg.Connection) -> bool:
    """Return whether any delivery was loaded; the first one must hold every required table."""
    return last_loaded_delivery(conn) is not None


def last_loaded_delivery(conn: psycopg.Connection) -> int | None:
    """Return the id of the last loaded delivery, or None."""
    row = conn.execute("select max(delivery_id) from ops.delivery where status = 'loaded'")
    found = row.fetchone()
    return found[0] if found else None


def is_known_delivery(
    conn: psycopg.Connection, source: str, manifest: str | None, changed_at: datetime
) -> bool:
    """Return whether a delivery with this content was already loaded or refused for good.

    A delivery without a manifest is recognised by its time until the folder changes. A retryable
    refusal stops counting once a later delivery has loaded new rows into reference tables.

    Args:
        conn: A connection to the database.
        source: Path of the delivery folder.
        manifest: Key of its manifest, or None.
        changed_at: When the folder last changed on this machine.

    Returns:
        True when the delivery need not be loaded again.
    """
    row = conn.execute(
        """
        select exists (
            select from ops.delivery as taken
            where source = %s and (manifest = %s or manifest is null and started_at > %s)
                and not (is_retryable and exists (
                    select from ops.delivery as later
                    inner join ops.delivery_file as file using (delivery_id)
                    where later.delivery_id > taken.delivery_id and later.status = 'loaded'
                        and file.rows_new > 0 and file.table_name = any(%s)
                ))
        )
        """,
        [source, manifest, changed_at, [table.name for table in REFERENCE_TABLES]],
    ).fetchone()
    return row == (True,)


def insert_delivery(
    conn: psycopg.Connection, source: str, run_id: str, started_at: datetime, manifest: str | None
) -> int:
    """Insert a delivery into the ledger, within the load's transaction.

    Args:
        conn: A connection on which the load's transaction is open.
        source: Label of the source, without a password.
        run_id: Id of the Dagster run.
        started_at: When the load began.
        manifest: Key of the delivery's manifest, or None.

    Returns:
        The new `delivery_id`.
    """
    row = conn.execute(
        "insert into ops.delivery (source, run_id, started_at, status, manifest) "
        "values (%s, %s, %s, 'loaded', %s) returning delivery_id",
        [source, run_id, started_at, manifest],
    ).fetchone()
    assert row is not None  # noqa: S101 — `returning` yields one row
    return int(row[0])


def finish_delivery(conn: psycopg.Connection, delivery: int, tables: Iterable[TableLoad]) -> None:
    """Insert the row counts of each file and set `finished_at`.

    Args:
        conn: A connection on which the load's transaction is open.
        delivery: The `delivery_id`.
        tables: Row counts; those without a file are skipped.

    Raises:
        DatabaseError: The counts of a file do not add up, so that rows would be lost.
    """
    tables = [table for table in tables if table.file]
    for table in tables:
        _assert_complete(table)
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.delivery_file values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (delivery, t.table, t.file, t.read, t.new, t.known, t.rejected, t.parked, t.since)
                for t in tables
            ],
        )
    conn.execute(
        "update ops.delivery set finished_at = clock_timestamp() where delivery_id = %s",
        [delivery],
    )


def _assert_complete(table: TableLoad) -> None:
    if table.read != table.new + table.known + table.rejected + table.parked:
        raise DatabaseError(
            f"{table.file}: the load does not add up: {table.read:,} rows read, {table.new:,} new, "
            f"{table.known:,} known, {table.rejected:,} rejected, {table.parked:,} parked.\n"
            f"{UNCHANGED} That is a fault of the program or of the database's settings, not of the "
            "delivery: report it with this line."
        )


def record_refusal(
    conn: psycopg.Connection,
    source: str,
    run_id: str,
    started_at: datetime,
    refusal: DeliveryRefused,
    manifest: str | None,
) -> None:
    """Insert a refused delivery, in a transaction of its own.

    The manifest is not recorded for SourceUnreadable, so that the delivery is tried again once its
    files can be read.

    Args:
        conn: A connection in autocommit mode.
        source: Label of the source, without a password.
        run_id: Id of the Dagster run.
        started_at: When the load began.
        refusal: Why the delivery was refused.
        manifest: Key of the delivery's manifest, or None.
    """
    known_by = None if isinstance(refusal, SourceUnreadable) else manifest
    with conn.transaction():
        conn.execute(
            "insert into ops.delivery"
            " (source, run_id, started_at, finished_at, status, message, manifest, is_retryable) "
            "values (%s, %s, %s, clock_timestamp(), 'refused', %s, %s, %s)",
            [
                source,
                run_id,
                started_at,
                str(refusal),
                known_by,
                isinstance(refusal, RetryableRefusal),
            ],
        )
