"""The ledger of deliveries: what came, when, and what became of it.

No personal data stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from orchestration.ingest.contract import REFERENCE_TABLES
from orchestration.ingest.errors import DeliveryRefused, RetryableRefusal, SourceUnreadable


@dataclass(frozen=True, slots=True)
class TableLoad:
    """What became of the rows of one file: read = new + known + rejected + parked.

    `unparked`: rows parked by earlier deliveries that found what they refer to in this one.
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
    since: datetime | None = None  # only versions from then on were read


def any_loaded(conn: psycopg.Connection) -> bool:
    """Whether a delivery was loaded before; the first one must hold every table."""
    return last_loaded_delivery(conn) is not None


def last_loaded_delivery(conn: psycopg.Connection) -> int | None:
    """The last delivery whose rows are there."""
    row = conn.execute("select max(delivery_id) from ops.delivery where status = 'loaded'")
    found = row.fetchone()
    return found[0] if found else None


def is_known_delivery(
    conn: psycopg.Connection, source: str, manifest: str | None, changed_at: datetime
) -> bool:
    """Whether a delivery of this content was loaded, or refused for good.

    What was entered without a manifest is known by its time, until something about it changes. What
    was refused for now is to be tried again once another delivery has brought rows of reference
    tables.
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
    """Enter a delivery in the load's own transaction: it vanishes if that does."""
    row = conn.execute(
        "insert into ops.delivery (source, run_id, started_at, status, manifest) "
        "values (%s, %s, %s, 'loaded', %s) returning delivery_id",
        [source, run_id, started_at, manifest],
    ).fetchone()
    assert row is not None  # noqa: S101 — `returning` gives a row
    return int(row[0])


def finish_delivery(conn: psycopg.Connection, delivery: int, tables: Iterable[TableLoad]) -> None:
    """Enter what became of each file."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.delivery_file values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (delivery, t.table, t.file, t.read, t.new, t.known, t.rejected, t.parked, t.since)
                for t in tables
                if t.file
            ],
        )
    conn.execute(
        "update ops.delivery set finished_at = clock_timestamp() where delivery_id = %s",
        [delivery],
    )


def record_refusal(
    conn: psycopg.Connection,
    source: str,
    run_id: str,
    started_at: datetime,
    refusal: DeliveryRefused,
    manifest: str | None,
) -> None:
    """Enter a refused delivery, in a transaction of its own.

    Whose file could not be read is not known by its content: once it can be, that is still new.
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
