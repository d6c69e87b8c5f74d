"""Merges new versions of an entity into its raw table (R1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import psycopg
from psycopg import sql

from orchestration.ingest import conflicts
from orchestration.ingest.conflicts import KNOWN
from orchestration.ingest.contract import SourceTable, source_table
from orchestration.ingest.errors import NeedsRowByRow
from orchestration.ingest.raw_tables import (
    add_primary_key,
    analyze_keys,
    column_names,
    drop_primary_key,
    identifiers,
    raw_table,
)

FRESH = sql.Identifier("pg_temp", "fresh")
VERDICT = sql.Identifier("pg_temp", "verdict")


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Counts of merged rows: new versions, versions already known, and faulty rows by reason."""

    new: int
    known: int
    by_fault: Counter[str]


def merge_plain(
    conn: psycopg.Connection, table: SourceTable, typed: sql.Identifier, rows: int, delivery: int
) -> MergeResult:
    """Insert staged rows without faults.

    Args:
        conn: A connection on which the delivery's transaction is open.
        table: The table of the source contract.
        typed: The staged rows.
        rows: How many there are.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.

    Returns:
        How many rows were new and known.

    Raises:
        NeedsRowByRow: A row has a fault. Nothing was inserted.
    """
    try:
        with conn.transaction():
            source: sql.Composable = typed
            empty = _is_empty(conn, table)
            known = 0
            if not empty:
                known = _count(
                    conn, typed, sql.SQL("not {}").format(conflicts.not_known(table, "a"))
                )
                rows = _create_fresh(conn, table, typed)
                source = FRESH
            questions = [
                # Rows without a parent drop out of the insert's join; its row count shows that.
                conflicts.unknown_references(table, source, leave_out=_company_column(table)),
                *conflicts.company_mismatches(table, source),
                *([] if empty else conflicts.stored_version_conflicts(table, source)),
            ]
            for question in questions:
                if question is not None and conflicts.has_rows(conn, question):
                    raise NeedsRowByRow
            new = _insert(conn, table, source, rows, delivery, empty=empty)
            if new != rows:
                raise NeedsRowByRow
            if not empty:
                conn.execute(sql.SQL("drop table {}").format(FRESH))
    except psycopg.errors.UniqueViolation as error:
        raise NeedsRowByRow from error
    return MergeResult(new, known, Counter())


def merge_row_by_row(conn: psycopg.Connection, table: SourceTable, delivery: int) -> MergeResult:
    """Insert the valid rows of `fresh`, and store the faults of the others in `verdict`.

    The checks run in this order: known versions, conflicts with stored rows, missing references,
    conflicts among the staged rows.

    Args:
        conn: A connection with the temporary table `fresh`, whose rows have line numbers.
        table: The table of the source contract.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.

    Returns:
        How many rows were new, known, and faulty by reason.
    """
    conn.execute(
        sql.SQL("create temp table {} (line bigint, column_name text, reason text)").format(
            sql.Identifier("verdict")
        )
    )
    known = sql.SQL(
        "select a.line, null as column_name, {} as reason from {} as a where not ({})"
    ).format(sql.Literal(KNOWN), FRESH, conflicts.not_known(table, "a"))
    analyze_keys(conn, table, FRESH)
    for question in (
        known,
        *conflicts.stored_version_conflicts(table, FRESH),
        *conflicts.company_mismatches(table, FRESH),
        conflicts.unknown_references(table, FRESH),
        conflicts.parent_changes(table, FRESH),
        conflicts.duplicates(table, FRESH),
    ):
        if question is not None:
            _set_aside(conn, question)
    rows = _count(conn, FRESH)
    new = _insert(conn, table, FRESH, rows, delivery, empty=_is_empty(conn, table))
    found = conn.execute(
        sql.SQL("select reason, count(*) from {} group by reason").format(VERDICT)
    ).fetchall()
    by_fault = Counter({str(reason): int(count) for reason, count in found})
    return MergeResult(new, by_fault.pop(KNOWN, 0), by_fault)


def analyze_raw_table(conn: psycopg.Connection, table: SourceTable) -> None:
    """Analyze a raw table; the plans of dbt depend on it."""
    conn.execute(sql.SQL("analyze {}").format(raw_table(table)))


def _company_column(table: SourceTable) -> str | None:
    """The column that names the row from which a row takes its company."""
    if table.company_from is None:
        return None
    return next(column.name for column in table.columns if column.references == table.company_from)


def _create_fresh(conn: psycopg.Connection, table: SourceTable, typed: sql.Identifier) -> int:
    """Create `fresh` from the staged rows that are not stored with the same values."""
    rows = conn.execute(
        sql.SQL("create temp table fresh as select a.* from {} as a where {}").format(
            typed, conflicts.not_known(table, "a")
        )
    ).rowcount
    analyze_keys(conn, table, FRESH)
    return rows


def _insert(
    conn: psycopg.Connection,
    table: SourceTable,
    source: sql.Composable,
    rows: int,
    delivery: int,
    *,
    empty: bool,
) -> int:
    """Insert all rows except those whose parent is missing."""
    rebuild = rows > 0 and (empty or rows > _stored_estimate(conn, table))
    if rebuild:
        if empty:
            # TRUNCATE creates a new file: with `wal_level = minimal` its rows are not WAL-logged.
            conn.execute(sql.SQL("truncate {}").format(raw_table(table)))
        drop_primary_key(conn, table)
    columns = column_names(table)
    if table.company_from:
        owner = source_table(table.company_from)
        # Many rows refer to most of the parents; for few rows only their parents are read.
        asked_for = sql.SQL(
            "" if rebuild else " where exists (select from {} as f where f.{} = p.{})"
        ).format(
            source,
            sql.Identifier(_company_column(table) or ""),
            sql.Identifier(owner.key[0]),
        )
        statement = sql.SQL(
            "insert into {raw} (company_id, {columns}, delivery_id) "
            "select owner.company_id, {values}, {delivery} from {source} as a join ("
            "select distinct p.{key}, p.company_id from {owner} as p{asked_for}"
            ") as owner on owner.{key} = a.{column}"
        ).format(
            asked_for=asked_for,
            raw=raw_table(table),
            columns=identifiers(columns),
            values=identifiers(columns, "a"),
            delivery=sql.Literal(delivery),
            source=source,
            owner=raw_table(owner),
            key=sql.Identifier(owner.key[0]),
            column=sql.Identifier(_company_column(table) or ""),
        )
    else:
        statement = sql.SQL(
            "insert into {raw} ({columns}, delivery_id) select {values}, {delivery} "
            "from {source} as a"
        ).format(
            raw=raw_table(table),
            columns=identifiers(columns),
            values=identifiers(columns, "a"),
            delivery=sql.Literal(delivery),
            source=source,
        )
    inserted = conn.execute(statement).rowcount
    if rebuild:
        add_primary_key(conn, table)
    return inserted


def _set_aside(conn: psycopg.Connection, question: sql.Composed) -> None:
    found = conn.execute(sql.SQL("insert into {} {}").format(VERDICT, question))
    if found.rowcount:
        conn.execute(
            sql.SQL("delete from {} as f using {} as v where v.line = f.line").format(
                FRESH, VERDICT
            )
        )


def _count(
    conn: psycopg.Connection,
    relation: sql.Composable,
    condition: sql.Composable = sql.SQL("true"),  # noqa: B008 — never changed
) -> int:
    """Count the rows of a relation, whose alias is `a`, that meet the condition."""
    query = sql.SQL("select count(*) from {} as a where {}").format(relation, condition)
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def _is_empty(conn: psycopg.Connection, table: SourceTable) -> bool:
    found = conn.execute(sql.SQL("select from {} limit 1").format(raw_table(table)))
    return found.fetchone() is None


def _stored_estimate(conn: psycopg.Connection, table: SourceTable) -> float:
    """The row count by the statistics; every load analyzes the tables that it changes."""
    found = conn.execute(
        "select reltuples from pg_class where oid = %s::regclass", [f"raw.{table.name}"]
    ).fetchone()
    return float(found[0]) if found and found[0] >= 0 else float("inf")
