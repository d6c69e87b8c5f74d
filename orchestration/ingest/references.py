"""Replaces reference tables, each of which must be valid to its last row.

Messages quote ids but no other values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

import psycopg
from psycopg import sql

from orchestration.ingest import errors
from orchestration.ingest.advice import described_faults
from orchestration.ingest.contract import (
    CHATBOT_OPTION,
    ENTITY_TABLES,
    REFERENCE_TABLES,
    SourceTable,
)
from orchestration.ingest.errors import DeliveryRefused, RetryableRefusal, refused
from orchestration.ingest.raw_tables import column_names, identifiers, raw_table, staging_table
from orchestration.ingest.staging import StagedTable

_SHOWN = 5
# A reply reported by WhatsApp to a known dispatch refers to its option as a delivered reply does.
_REPORTED_OPTIONS = """(
    select option_id from raw.whatsapp_reply as e
    where exists (select from raw.dispatch as d where d.dispatch_id = e.dispatch_id)
) as reported"""


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """Counts of rows that are new or changed, and of rows that are unchanged."""

    new: int
    known: int


def load_timezone_names(conn: psycopg.Connection) -> None:
    """Stage the time zone names known to PostgreSQL and to Python, which renders the pages."""
    conn.execute(
        sql.SQL("create unlogged table {} as select name from pg_timezone_names").format(
            staging_table("timezone")
        )
    )
    conn.execute(
        sql.SQL("delete from {} where name <> all({})").format(
            staging_table("timezone"), sql.Literal(sorted(available_timezones()))
        )
    )


def replace_reference_tables(
    conn: psycopg.Connection, arrived: Mapping[str, StagedTable], delivery: int
) -> dict[str, ReplaceResult]:
    """Replace every reference table of the delivery, then check references among all of them.

    Args:
        conn: A connection on which the delivery's transaction is open.
        arrived: The staged reference tables, by name.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.

    Returns:
        New and unchanged rows, by table.

    Raises:
        DeliveryRefused: A row is faulty, or a dropped row is still referred to.
    """
    for table in REFERENCE_TABLES:
        if table.name in arrived:
            _check_rows(conn, arrived[table.name])
    replaced = {}
    for table in REFERENCE_TABLES:
        if table.name in arrived:
            replaced[table.name] = _replace(conn, arrived[table.name], delivery)
    for table in REFERENCE_TABLES:
        _check_references(conn, table, arrived)
    return replaced


def _check_rows(conn: psycopg.Connection, arrived: StagedTable) -> None:
    assert arrived.faults is not None  # noqa: S101 — reference tables are staged row by row
    table = arrived.table
    found: list[sql.Composable] = [
        sql.SQL("select line, column_name, reason from {}").format(arrived.faults),
        _repeated(arrived, table.key, errors.DUPLICATE_KEY),
        *(_repeated(arrived, (name,), errors.NOT_UNIQUE) for name in table.unique),
    ]
    if table is CHATBOT_OPTION:
        found.append(
            sql.SQL(
                "select line, 'loss_reason_id', {} from {} "
                "where loss_reason_id is not null and action <> 'refuse'"
            ).format(sql.Literal(errors.LOSS_REASON_WITHOUT_REFUSE), arrived.typed)
        )
    _refuse_any(conn, arrived, sql.SQL(" union all ").join(found))


def _repeated(arrived: StagedTable, columns: tuple[str, ...], reason: str) -> sql.Composed:
    """The second and later rows with the same value, even if the rows are equal."""
    return sql.SQL(
        "select line, {}, {} from (select line, row_number() over (partition by {} order by line) "
        "as nth from {}) as counted where nth > 1"
    ).format(
        sql.Literal(", ".join(columns)), sql.Literal(reason), identifiers(columns), arrived.typed
    )


def _refuse_any(
    conn: psycopg.Connection,
    arrived: StagedTable,
    faults: sql.Composed,
    kind: type[DeliveryRefused] = DeliveryRefused,
) -> None:
    count = sql.SQL("select count(*) from ({}) as found (line, column_name, reason)").format(faults)
    (total,) = conn.execute(count).fetchone() or (0,)
    if not total:
        return
    shown = conn.execute(
        sql.SQL(
            "select * from ({}) as found (line, column_name, reason) "
            "order by line, column_name limit {}"
        ).format(faults, sql.Literal(_SHOWN))
    ).fetchall()
    lines = "".join(
        f"\n  {arrived.source.name}, {fault}" for fault in described_faults(conn, arrived, shown)
    )
    rows = "1 row is" if total == 1 else f"{total} rows are"
    more = f" The first {_SHOWN}:" if total > _SHOWN else ""
    raise refused(
        f"{arrived.source.name}: a reference table must be valid to the last row, and {rows} not."
        f"{more}{lines}",
        "Correct the file and deliver again.",
        kind,
    )


def _replace(conn: psycopg.Connection, arrived: StagedTable, delivery: int) -> ReplaceResult:
    table, columns = arrived.table, column_names(arrived.table)
    _check_dropped(conn, arrived)
    counted = conn.execute(
        sql.SQL(
            "select (select count(*) from (select {columns} from {typed} "
            "except select {columns} from {stored}) as fresh), "
            "(select count(*) from (select {columns} from {typed} "
            "intersect select {columns} from {stored}) as known)"
        ).format(columns=identifiers(columns), typed=arrived.typed, stored=raw_table(table))
    ).fetchone()
    conn.execute(sql.SQL("delete from {}").format(raw_table(table)))
    conn.execute(
        sql.SQL("insert into {} ({columns}, delivery_id) select {columns}, {} from {}").format(
            raw_table(table), sql.Literal(delivery), arrived.typed, columns=identifiers(columns)
        )
    )
    conn.execute(sql.SQL("analyze {}").format(raw_table(table)))
    return ReplaceResult(*(counted or (0, 0)))


def _check_dropped(conn: psycopg.Connection, arrived: StagedTable) -> None:
    """Record dropped ids that stay on their rows; refuse to drop other rows still referred to."""
    table = arrived.table
    named_by: list[tuple[str, sql.Composable, str]] = [
        (entity.name, raw_table(entity), column.name)
        for entity in ENTITY_TABLES
        for column in entity.columns
        if column.references == table.name
    ]
    if table is CHATBOT_OPTION:
        named_by.append(("reply", sql.SQL(_REPORTED_OPTIONS), "option_id"))
    if not named_by:
        return
    key = sql.Identifier(table.key[0])
    dropped = sql.SQL("select {key} from {stored} except select {key} from {typed}").format(
        key=key, stored=raw_table(table), typed=arrived.typed
    )
    if table.dropped_ids_stay:
        conn.execute(
            sql.SQL(
                "insert into raw.dropped_reference (table_name, id) "
                "select {}, {} from ({}) as dropped on conflict do nothing"
            ).format(sql.Literal(table.name), key, dropped)
        )
        return
    if not (ids := [row[0] for row in conn.execute(dropped).fetchall()]):
        return
    for entity, relation, column in named_by:
        found = conn.execute(
            sql.SQL("select {} from {} where {} = any({}) limit 1").format(
                sql.Identifier(column), relation, sql.Identifier(column), sql.Literal(ids)
            )
        ).fetchone()
        if found:
            raise refused(
                f"{arrived.source.name}: {table.key[0]} {found[0]} is no longer there, but "
                f"{entity} has rows with it.",
                f"Deliver {table.name} with that row.",
            )


def _check_references(
    conn: psycopg.Connection, table: SourceTable, arrived: Mapping[str, StagedTable]
) -> None:
    """Check references among reference tables after they were replaced."""
    for column in table.columns:
        if column.references is None:
            continue
        missing = sql.SQL(
            "from {table} as a where a.{column} is not null "
            "and not exists (select from {other} as r where r.{key} = a.{column})"
        )
        other = next(other for other in REFERENCE_TABLES if other.name == column.references)
        parts = {
            "column": sql.Identifier(column.name),
            "other": raw_table(other),
            "key": sql.Identifier(other.key[0]),
        }
        if table.name in arrived:
            faults = sql.SQL("select a.line, {}, {} ").format(
                sql.Literal(column.name), sql.Literal(errors.UNKNOWN_REFERENCE)
            ) + missing.format(table=arrived[table.name].typed, **parts)
            _refuse_any(conn, arrived[table.name], faults, RetryableRefusal)
            continue
        found = conn.execute(
            sql.SQL("select a.{} ").format(parts["column"])
            + missing.format(table=raw_table(table), **parts)
            + sql.SQL(" limit 1")
        ).fetchone()
        if found:
            raise _still_named(arrived[other.name], other, table, str(found[0]))


def _still_named(
    arrived: StagedTable, dropped: SourceTable, table: SourceTable, identifier: str
) -> DeliveryRefused:
    return refused(
        f"{arrived.source.name}: {dropped.key[0]} {identifier} is no longer there, but "
        f"{table.name} still refers to it.",
        f"Deliver {dropped.name} with that row, or {table.name} without it.",
        RetryableRefusal,
    )
