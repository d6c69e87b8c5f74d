"""Reads and advances `ops.watermark`: up to which `updated_at` a live source was read.

Rows read twice are already known (R1), so a watermark too early costs time, but one too late loses
rows: it is taken only from loaded rows, never from a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from orchestration.ingest.contract import SOURCE_TABLES


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A changing source, as of the snapshot in which it is read.

    `identity` identifies it without a password; `seen_at` is its own clock. `incarnations` lists
    the tables that can be read by `updated_at`, with an id that changes when a table is recreated.
    """

    identity: str
    seen_at: datetime
    incarnations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceRead:
    """How a live source is read: `since` by table (others are read whole), and row counts.

    `count_all` counts all rows of a table that is read in part.
    """

    source: LiveSource | None
    since: Mapping[str, datetime] = field(default_factory=dict)
    count_all: Mapping[str, Callable[[], int]] = field(default_factory=dict)


NOT_LIVE = SourceRead(None)  # a folder

# The first `updated_at` to read, by table; a table that is left out is read whole.
Positions = Callable[[LiveSource], Mapping[str, datetime]]


def full_read_positions(_: LiveSource) -> Mapping[str, datetime]:
    """Read every table from its first row."""
    return {}


def read_positions(
    conn: psycopg.Connection, window: timedelta, whole_after: timedelta
) -> Positions:
    """Read each table from its watermark less a window for late commits.

    A table is read whole when its last full read is `whole_after` ago, which recovers versions with
    an `updated_at` older than the window (R1).

    Args:
        conn: A connection to the database.
        window: How far before the watermark to read.
        whole_after: How long a table may be read in part.

    Returns:
        A function from a source to the first `updated_at` to read, by table.
    """

    def of(source: LiveSource) -> Mapping[str, datetime]:
        found = conn.execute(
            "select table_name, incarnation, updated_at from ops.watermark"
            " where source = %s and full_refresh_at > %s and full_refresh_at <= %s",
            [source.identity, source.seen_at - whole_after, source.seen_at],
        ).fetchall()
        return {
            table: reached - window
            for table, incarnation, reached in found
            # A watermark ahead of the source's clock was set while that clock was wrong.
            if source.incarnations.get(table) == incarnation and reached <= source.seen_at
        }

    return of


def missing_tables(conn: psycopg.Connection, source: str, there: Collection[str]) -> list[str]:
    """Build a notice for each table that this source had at an earlier delivery and now lacks.

    Args:
        conn: A connection to the database.
        source: Label of the source.
        there: Names of the tables that it has.

    Returns:
        The notices, by name of the table.
    """
    found = conn.execute(
        """
        select table_name, max(delivery_id)
        from ops.delivery_file inner join ops.delivery using (delivery_id)
        where source = %s and table_name = any(%s)
        group by table_name order by table_name
        """,
        [source, [table.name for table in SOURCE_TABLES if table.name not in there]],
    ).fetchall()
    return [
        f"{table}: the source has no such table any more; it was last read in delivery {delivery}."
        for table, delivery in found
    ]


def advance_watermark(
    conn: psycopg.Connection, reading: SourceRead, table: str, typed: sql.Identifier, delivery: int
) -> None:
    """Set the watermark to the greatest `updated_at` read, up to the source's own clock.

    A version dated in the future would otherwise hide all rows until then. After a partial read the
    watermark never moves back.

    Args:
        conn: A connection on which the delivery's transaction is open.
        reading: How the source was read.
        table: Name of the table.
        typed: Its staged rows.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.
    """
    source = reading.source
    if source is None or table not in source.incarnations:
        return
    conn.execute(
        sql.SQL(
            """
            insert into ops.watermark as w (
                source, table_name, incarnation, updated_at, delivery_id, full_refresh_at
            )
            select {source}, {table}, {incarnation}, max(updated_at), {delivery}, {seen_at}
            from {typed} where updated_at <= {seen_at}
            having count(*) > 0
            on conflict (source, table_name) do update set
                incarnation = excluded.incarnation,
                updated_at = case
                    when {in_part} then greatest(w.updated_at, excluded.updated_at)
                    else excluded.updated_at
                end,
                delivery_id = excluded.delivery_id,
                full_refresh_at = case
                    when {in_part} then w.full_refresh_at else excluded.full_refresh_at
                end
            """
        ).format(
            source=sql.Literal(source.identity),
            table=sql.Literal(table),
            incarnation=sql.Literal(source.incarnations[table]),
            delivery=sql.Literal(delivery),
            typed=typed,
            seen_at=sql.Literal(source.seen_at),
            in_part=sql.Literal(table in reading.since),
        )
    )
