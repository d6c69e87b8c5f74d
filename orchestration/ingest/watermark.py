"""Up to where a live source was read: `ops.watermark`, moved in the transaction that loads.

What is read twice is known already (R1), so a position too early costs time and one too late loses
rows: it is never taken from a clock, only from rows that were loaded.
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
    """A source that goes on changing, as of the snapshot in which it is read.

    `identity`: which one it is, without a password. `seen_at`: its own clock. `incarnations`: the
    tables that can be read by `updated_at`, each with what tells it from another of its name.
    """

    identity: str
    seen_at: datetime
    incarnations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceRead:
    """How a live source is read: from where on each table, unless whole; its rows in all."""

    source: LiveSource | None
    since: Mapping[str, datetime] = field(default_factory=dict)
    count_all: Mapping[str, Callable[[], int]] = field(default_factory=dict)


NOT_LIVE = SourceRead(None)  # a folder: it holds what it holds

# Says from where on each table of a source is to be read; a table it leaves out is read whole.
Positions = Callable[[LiveSource], Mapping[str, datetime]]


def full_read_positions(_: LiveSource) -> Mapping[str, datetime]:
    """Every table from its first row on."""
    return {}


def read_positions(
    conn: psycopg.Connection, window: timedelta, whole_after: timedelta
) -> Positions:
    """From where on each table is read: what was loaded, less the window for late commits.

    A table is read whole when that was last done `whole_after` ago: a version that came with an
    older `updated_at` than the window reaches back to is not lost (R1).
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
            # A watermark ahead of the source's clock dates from when that clock was wrong.
            if source.incarnations.get(table) == incarnation and reached <= source.seen_at
        }

    return of


def missing_tables(conn: psycopg.Connection, source: str, there: Collection[str]) -> list[str]:
    """A notice for each table of the contract that was read from this source before."""
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
    """To the greatest `updated_at` of the rows read; not beyond the source's own clock.

    A version dated in the future would else hide every row until then. Read whole, the table's
    rows say all by themselves; read in part, the position never goes back.
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
