"""Stores rejected rows (R2), enforces the limit on their share, and retries parked rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from orchestration.ingest import casts, conflicts
from orchestration.ingest.advice import described_faults
from orchestration.ingest.conflicts import KNOWN
from orchestration.ingest.contract import SourceTable
from orchestration.ingest.errors import UNKNOWN_REFERENCE, DeliveryRefused, refused
from orchestration.ingest.merge import VERDICT, MergeResult, merge_row_by_row
from orchestration.ingest.raw_tables import identifiers
from orchestration.ingest.redaction import personal_data
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.staging import StagedTable, as_delivered

LIMIT_SETTING = "ATENDIMENTO_MAX_REJECTED_SHARE"
_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class RetryResult:
    """Counts of retried rows: unparked (now stored, new or known), new, and rejected by reason."""

    unparked: int
    new: int
    by_fault: Counter[str]


def merge_staged(
    conn: psycopg.Connection,
    arrived: StagedTable,
    delivery: int,
    erased: ErasedNumbers | None,
) -> MergeResult:
    """Merge a table that was read row by row, and quarantine its faulty rows.

    Args:
        conn: A connection on which the delivery's transaction is open.
        arrived: The staged table, with its text and faults.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.
        erased: The numbers of erased clients; None when no client was ever erased.

    Returns:
        How many rows were new, known, and faulty by reason.
    """
    assert arrived.text is not None  # noqa: S101 — the slow path creates both tables
    assert arrived.faults is not None  # noqa: S101
    table = arrived.table
    conn.execute(sql.SQL("create temp table fresh as select * from {}").format(arrived.typed))
    merged = merge_row_by_row(conn, table, delivery)
    conn.execute(
        sql.SQL("insert into {} select line, column_name, reason from {}").format(
            VERDICT, arrived.faults
        )
    )
    conn.execute(
        sql.SQL(
            "create temp table rejected as select {} as table_name, v.line, v.column_name, "
            "v.reason, {} as row_as_delivered from {} as v join {} as t using (line) "
            "where v.reason <> {}"
        ).format(
            sql.Literal(table.name),
            as_delivered(arrived.source, "t"),
            VERDICT,
            arrived.text,
            sql.Literal(KNOWN),
        )
    )
    if erased:
        personal_data.redact_quarantined_rows(conn, sql.Identifier("pg_temp", "rejected"), erased)
    found = conn.execute("select reason, count(*) from rejected group by reason").fetchall()
    _store(conn, table, arrived.source.name, delivery)
    _drop(conn, "fresh", "verdict", "rejected")
    return MergeResult(
        merged.new, merged.known, Counter({str(reason): int(n) for reason, n in found})
    )


def _store(conn: psycopg.Connection, table: SourceTable, file_name: str, delivery: int) -> None:
    """Insert rejected rows; one rejected before moves to its new place, a parked one keeps it."""
    parts = {
        "table": sql.Literal(table.name),
        "file": sql.Literal(file_name),
        "delivery": sql.Literal(delivery),
        "parked": sql.Literal(UNKNOWN_REFERENCE),
    }
    for statement in (_REPLACE_REJECTED, _UPDATE_PARKED, _INSERT_PARKED):
        conn.execute(sql.SQL(statement).format(**parts))


_REPLACE_REJECTED = """
with replaced as (
    delete from raw.rejected_row as o using rejected as n
    where o.table_name = {table} and o.reason = n.reason and n.reason <> {parked}
        and o.column_name is not distinct from n.column_name
        and o.row_as_delivered = n.row_as_delivered
)
insert into raw.rejected_row (
    delivery_id, last_delivery_id, table_name, file_name, line, column_name, reason,
    row_as_delivered
)
select {delivery}, {delivery}, {table}, {file}, line, column_name, reason, row_as_delivered
from rejected where reason <> {parked} order by line
"""
_UPDATE_PARKED = """
update raw.rejected_row as o
set last_delivery_id = {delivery}, times = case when f.is_last then f.times else 0 end
from (
    select
        p.rejected_id, n.times,
        p.rejected_id = max(p.rejected_id) over (partition by p.row_as_delivered) as is_last
    from raw.rejected_row as p
    inner join (
        select row_as_delivered, count(*) as times from rejected
        where reason = {parked} group by row_as_delivered
    ) as n using (row_as_delivered)
    where p.table_name = {table} and p.reason = {parked}
) as f
where f.rejected_id = o.rejected_id
"""
# A row that comes several times in a file is kept where it first stands, which decides the parent
# (R1), and where it last stands, which decides the version.
_INSERT_PARKED = """
insert into raw.rejected_row (
    delivery_id, last_delivery_id, times, table_name, file_name, line, column_name, reason,
    row_as_delivered
)
select
    {delivery}, {delivery}, case when place.line = n.last_line then n.times else 0 end,
    {table}, {file}, place.line, n.column_name, {parked}, n.row_as_delivered
from (
    select
        min(line) as first_line, max(line) as last_line, count(*) as times,
        column_name, row_as_delivered
    from rejected where reason = {parked}
    group by column_name, row_as_delivered
) as n
cross join lateral (select first_line union select last_line) as place (line)
where not exists (
    select from raw.rejected_row as o
    where o.table_name = {table} and o.reason = {parked}
        and o.row_as_delivered = n.row_as_delivered
)
order by place.line
"""


def check_rejected_share(
    conn: psycopg.Connection,
    arrived: StagedTable,
    by_reason: Counter[str],
    limit: float,
    delivery: int,
    count_all: Callable[[], int] | None = None,
) -> None:
    """Refuse the delivery when too many rows of a file are rejected (R2); parked rows do not count.

    Args:
        conn: A connection on which the delivery's transaction is open.
        arrived: The staged table.
        by_reason: Its faulty rows by reason.
        limit: The greatest accepted share of rejected rows, from 0 to 1.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.
        count_all: Counts all rows of a table that was read in part. The share is of these, so that
            one bad row among a few new ones does not stop the load.

    Raises:
        DeliveryRefused: More rows were rejected than `limit` allows.
    """
    rejected = sum(n for reason, n in by_reason.items() if reason != UNKNOWN_REFERENCE)
    rows = arrived.rows
    if rejected and rejected / rows > limit and count_all:
        rows = max(rows, count_all())
    if not rejected or rejected / rows <= limit:
        return
    reasons = ", ".join(
        f"{reason} {n}" for reason, n in by_reason.most_common() if reason != UNKNOWN_REFERENCE
    )
    lines = conn.execute(
        "select line, column_name, reason from raw.rejected_row "
        "where delivery_id = %s and table_name = %s and reason <> %s order by line limit %s",
        [delivery, arrived.table.name, UNKNOWN_REFERENCE, _SHOWN_LINES],
    ).fetchall()
    raise _too_many(arrived, rejected, rows, limit, reasons, described_faults(conn, arrived, lines))


def _too_many(
    arrived: StagedTable,
    rejected: int,
    rows: int,
    limit: float,
    reasons: str,
    lines: list[str],
) -> DeliveryRefused:
    first = "".join(f"\n  {line}" for line in lines)
    return refused(
        f"{arrived.source.name} (table {arrived.table.name}): {rejected} of {rows} rows "
        f"are rejected, {rejected / rows:.1%}; the limit is {limit:.1%} ({LIMIT_SETTING})."
        f"\nBy reason: {reasons}. The first of them:{first}",
        "Correct the file and deliver again, or raise the limit if the rows may be left out.",
    )


def retry_parked_rows(
    conn: psycopg.Connection,
    table: SourceTable,
    delivery: int,
    erased: ErasedNumbers | None,
) -> RetryResult:
    """Retry the parked rows of a table, delivery by delivery, as if they came now.

    Args:
        conn: A connection on which the delivery's transaction is open.
        table: The table of the source contract.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.
        erased: The numbers of erased clients; None when no client was ever erased.

    Returns:
        How many rows were stored, and how many were rejected by reason.
    """
    nothing = RetryResult(0, 0, Counter())
    parked = sql.SQL("table_name = {} and reason = {}").format(
        sql.Literal(table.name), sql.Literal(UNKNOWN_REFERENCE)
    )
    query = sql.SQL("select from raw.rejected_row where {} limit 1").format(parked)
    if conn.execute(query).fetchone() is None:
        return nothing
    by_fault = _reject_faulty(conn, table, parked)
    conn.execute(
        sql.SQL(
            "create temp table retried as select rejected_id as line, delivery_id, {} "
            "from raw.rejected_row where {}"
        ).format(
            sql.SQL(", ").join(
                sql.SQL("{} as {}").format(
                    casts.cast(column, casts.text_that_counts(column, _delivered_value)),
                    sql.Identifier(column.name),
                )
                for column in table.columns
            ),
            parked,
        )
    )
    retried = sql.Identifier("pg_temp", "retried")
    if erased:
        # The row that it waited for may show that it belongs to an erased client.
        personal_data.redact_staged_rows(conn, table, retried, erased)
    waiting = conflicts.unknown_references(table, retried)
    if waiting is not None:
        conn.execute(
            sql.SQL("delete from retried using ({}) as w where w.line = retried.line").format(
                waiting
            )
        )
    unparked = new = 0
    # By delivery: the version stored first wins (R1).
    came = conn.execute("select distinct delivery_id from retried order by 1").fetchall()
    for (earlier,) in came:
        conn.execute(
            sql.SQL(
                "create temp table fresh as select line, {} from retried where delivery_id = {}"
            ).format(identifiers(column.name for column in table.columns), sql.Literal(earlier))
        )
        merged = merge_row_by_row(conn, table, delivery)
        conn.execute(
            sql.SQL(
                "update raw.rejected_row as o set column_name = v.column_name, reason = v.reason "
                "from {} as v where v.line = o.rejected_id and v.reason <> {}"
            ).format(VERDICT, sql.Literal(KNOWN))
        )
        conn.execute(
            sql.SQL(
                "delete from raw.rejected_row as o using retried as r where r.delivery_id = {} "
                "and r.line = o.rejected_id and o.reason = {}"
            ).format(sql.Literal(earlier), sql.Literal(UNKNOWN_REFERENCE))
        )
        _drop(conn, "fresh", "verdict")
        unparked += merged.new + merged.known
        new += merged.new
        by_fault += merged.by_fault
    if erased:
        personal_data.redact_quarantined_rows(conn, sql.Identifier("raw", "rejected_row"), erased)
    _drop(conn, "retried")
    return RetryResult(unparked, new, by_fault)


def _reject_faulty(
    conn: psycopg.Connection, table: SourceTable, parked: sql.Composable
) -> Counter[str]:
    """Reject parked rows whose values do not cast any more, since the contract became stricter."""
    found = conn.execute(
        sql.SQL(
            "update raw.rejected_row as o "
            "set column_name = split_part(f.fault, ':', 1), reason = split_part(f.fault, ':', 2) "
            "from (select rejected_id, {} as fault from raw.rejected_row where {}) as f "
            "where f.rejected_id = o.rejected_id and f.fault is not null returning o.reason"
        ).format(casts.first_fault(table, _delivered_value), parked)
    )
    return Counter(str(reason) for (reason,) in found)


def _delivered_value(column: str) -> sql.Composed:
    return sql.SQL("(row_as_delivered ->> {})").format(sql.Literal(column))


def _drop(conn: psycopg.Connection, *tables: str) -> None:
    for table in tables:
        conn.execute(sql.SQL("drop table {}").format(sql.Identifier("pg_temp", table)))
