"""SQL checks of staged rows against each other and against stored versions (R1, R2)."""

from __future__ import annotations

import psycopg
from psycopg import sql

from orchestration.ingest import errors
from orchestration.ingest.contract import SourceTable, source_table
from orchestration.ingest.raw_tables import column_names, raw_table

KNOWN = "known"  # not a fault: the version is already stored


def same_version(table: SourceTable, left: str, right: str) -> sql.Composed:
    """Build the condition that two rows have the same key and `updated_at` (R1).

    `company_id` is not compared: it is no part of a version.

    Args:
        table: The table of the source contract.
        left: Alias of one row.
        right: Alias of the other row.

    Returns:
        A condition in SQL.
    """
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name))
        for name in (*table.key, "updated_at")
    )


def same_row(table: SourceTable, left: str, right: str) -> sql.Composed:
    """Build the condition that two rows are the same version with the same values.

    Args:
        table: The table of the source contract.
        left: Alias of one row.
        right: Alias of the other row.

    Returns:
        A condition in SQL.
    """
    rest = [name for name in column_names(table) if name not in (*table.key, "updated_at")]
    return sql.SQL("{} and ({}) is not distinct from ({})").format(
        same_version(table, left, right),
        sql.SQL(", ").join(sql.Identifier(left, name) for name in rest),
        sql.SQL(", ").join(sql.Identifier(right, name) for name in rest),
    )


def not_known(table: SourceTable, alias: str) -> sql.Composed:
    """Build the condition that the version of a row is not stored yet."""
    return sql.SQL("not exists (select from {} as r where {})").format(
        raw_table(table), same_row(table, alias, "r")
    )


def stored_version_conflicts(table: SourceTable, fresh: sql.Composable) -> list[sql.Composed]:
    """Build queries for rows that contradict stored versions; known rows must be excluded."""
    faults = [
        sql.SQL(
            "select a.line, null as column_name, {reason} as reason from {fresh} as a "
            "where exists (select from {stored} as r where {same})"
        ).format(
            reason=sql.Literal(errors.DUPLICATE_VERSION),
            fresh=fresh,
            stored=raw_table(table),
            same=same_version(table, "a", "r"),
        )
    ]
    if table.parent:
        # Checked first: a row with another parent is not a version of this row.
        faults.insert(
            0,
            sql.SQL(
                "select a.line, {name} as column_name, {reason} as reason from {fresh} as a "
                "where exists (select from {stored} as r where r.{key} = a.{key} "
                "and r.{parent} <> a.{parent})"
            ).format(
                name=sql.Literal(table.parent),
                reason=sql.Literal(errors.PARENT_CHANGED),
                fresh=fresh,
                stored=raw_table(table),
                key=sql.Identifier(table.key[0]),
                parent=sql.Identifier(table.parent),
            ),
        )
    return faults


def company_mismatches(table: SourceTable, fresh: sql.Composable) -> list[sql.Composed]:
    """Build queries for rows that refer to a row of another company."""
    if table.company_from or not table.by_company:
        return []
    return [
        sql.SQL(
            "select a.line, {name} as column_name, {reason} as reason from {fresh} as a "
            "where a.{column} is not null "
            # First by the whole primary key: the index settles nearly every row.
            "and not exists (select from {other} as r "
            "where r.company_id = a.company_id and r.{key} = a.{column}) "
            "and exists (select from {other} as r where r.{key} = a.{column})"
        ).format(
            name=sql.Literal(column.name),
            reason=sql.Literal(errors.COMPANY_MISMATCH),
            fresh=fresh,
            other=raw_table(column.references),
            key=sql.Identifier(source_table(column.references).key[0]),
            column=sql.Identifier(column.name),
        )
        for column in table.columns
        if column.references and source_table(column.references).by_company
    ]


def unknown_references(
    table: SourceTable, fresh: sql.Composable, leave_out: str | None = None
) -> sql.Composed | None:
    """Build the query for rows that refer to a missing row, with the first such column of each.

    Args:
        table: The table of the source contract.
        fresh: The staged rows.
        leave_out: A column that is not checked.

    Returns:
        The query, or None when no column is to be checked.
    """
    missing = [
        sql.SQL(
            "select a.line, {name}::text as column_name, {at} as at from {fresh} as a "
            "where a.{column} is not null "
            "and not exists (select from {other} as r where r.{key} = a.{column}){dropped}"
        ).format(
            name=sql.Literal(column.name),
            at=sql.Literal(at),
            fresh=fresh,
            column=sql.Identifier(column.name),
            other=raw_table(column.references),
            key=sql.Identifier(source_table(column.references).key[0]),
            dropped=_once_known(column.name, column.references),
        )
        for at, column in enumerate(table.columns)
        if column.references and column.name != leave_out
    ]
    if not missing:
        return None
    return sql.SQL(
        "select distinct on (line) line, column_name, {} as reason from ({}) as missing "
        "order by line, at"
    ).format(sql.Literal(errors.UNKNOWN_REFERENCE), sql.SQL(" union all ").join(missing))


def _once_known(column: str, references: str) -> sql.Composed:
    if not source_table(references).dropped_ids_stay:
        return sql.SQL("").format()
    return sql.SQL(
        " and not exists (select from raw.dropped_reference as d "
        "where d.table_name = {} and d.id = a.{})"
    ).format(sql.Literal(references), sql.Identifier(column))


def has_rows(conn: psycopg.Connection, question: sql.Composed) -> bool:
    """Return whether a query yields any row."""
    return conn.execute(sql.SQL("{} limit 1").format(question)).fetchone() is not None


def repeated_key_with_two_parents(table: SourceTable, fresh: sql.Composable) -> sql.Composed | None:
    """Build the query for keys with two parents (the quick check of the fast path)."""
    if not table.parent:
        return None
    return sql.SQL(
        "select from {fresh} group by {key} having min({parent}) <> max({parent})"
    ).format(fresh=fresh, key=sql.Identifier(table.key[0]), parent=sql.Identifier(table.parent))


def repeated_version(table: SourceTable, fresh: sql.Composable) -> sql.Composed | None:
    """Build the query for versions staged twice that the primary key would not detect.

    The key misses them only where `company_id` leads it and may differ between rows of one key.
    """
    if table.parent or not table.by_company:
        return None
    return sql.SQL("select from {} group by {}, updated_at having count(*) > 1").format(
        fresh, sql.Identifier(table.key[0])
    )


def parent_changes(table: SourceTable, fresh: sql.Composable) -> sql.Composed | None:
    """Build the query for rows whose parent differs from that of the earliest row of their key."""
    if not table.parent:
        return None
    return sql.SQL(
        "select line, {name} as column_name, {reason} as reason from ("
        "select line, {parent}, "
        "first_value({parent}) over (partition by {key} order by line) as first_parent "
        "from {fresh}) as a where {parent} <> first_parent"
    ).format(
        name=sql.Literal(table.parent),
        reason=sql.Literal(errors.PARENT_CHANGED),
        parent=sql.Identifier(table.parent),
        key=sql.Identifier(table.key[0]),
        fresh=fresh,
    )


def duplicates(table: SourceTable, fresh: sql.Composable) -> sql.Composed:
    """Build the query for repeated versions (R1): the last row wins, others are known or faulty."""
    key = sql.SQL(", ").join(map(sql.Identifier, (*table.key, "updated_at")))
    return sql.SQL(
        "select a.line, null as column_name, "
        "case when {same} then {known} else {reason} end as reason "
        "from {fresh} as a join ("
        "select {key}, max(line) as line from {fresh} group by {key} having count(*) > 1"
        ") as last on {version} and a.line <> last.line "
        "join {fresh} as stands on stands.line = last.line"
    ).format(
        same=same_row(table, "a", "stands"),
        known=sql.Literal(KNOWN),
        reason=sql.Literal(errors.DUPLICATE_VERSION),
        fresh=fresh,
        key=key,
        version=same_version(table, "a", "last"),
    )
