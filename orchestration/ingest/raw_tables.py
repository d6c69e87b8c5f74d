"""Names, keys and statistics of the raw tables; a migration makes them, as the contract says."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from orchestration.ingest.contract import SourceTable

LOAD_STAGING = "load_staging"  # the schema of what is being read; never outlives a load
# Events that the models join to the delivered rows.
EVENT_TABLES = {
    "whatsapp_status": "What WhatsApp reported of each message.",
    "whatsapp_reply": "What WhatsApp reported that clients clicked.",
    "whatsapp_preference": "Marketing messages stopped or resumed in WhatsApp.",
}


def raw_table(table: SourceTable | str) -> sql.Identifier:
    """The raw table."""
    return sql.Identifier("raw", table if isinstance(table, str) else table.name)


def staging_table(name: str) -> sql.Identifier:
    """A table of what is being read."""
    return sql.Identifier(LOAD_STAGING, name)


def identifiers(columns: Iterable[str], prefix: str = "") -> sql.Composed:
    """A list of columns, each of the table alias `prefix` when there is one."""
    return sql.SQL(", ").join(
        sql.Identifier(prefix, name) if prefix else sql.Identifier(name) for name in columns
    )


def column_names(table: SourceTable) -> tuple[str, ...]:
    """The contract's columns of a table, in its order."""
    return tuple(column.name for column in table.columns)


def primary_key(table: SourceTable) -> tuple[str, ...]:
    """What identifies a row of the raw table; company_id leads where there is one."""
    if table.kind == "reference":
        return table.key
    company = ("company_id",) if table.by_company else ()
    return (*company, *table.key, "updated_at")


def add_primary_key(conn: psycopg.Connection, table: SourceTable) -> None:
    """Add the primary key of a raw table; UniqueViolation when rows do not obey it."""
    conn.execute(
        sql.SQL("alter table {} add constraint {} primary key ({})").format(
            raw_table(table), sql.Identifier(f"{table.name}_pkey"), identifiers(primary_key(table))
        )
    )


def analyze_keys(conn: psycopg.Connection, table: SourceTable, relation: sql.Identifier) -> None:
    """Statistics of what rows are joined by: without, a join of many rows is planned as of few."""
    joined = [
        column.name
        for column in table.columns
        if column.name in (*table.key, "updated_at", table.parent) or column.references
    ]
    conn.execute(sql.SQL("analyze {} ({})").format(relation, identifiers(joined)))


def drop_primary_key(conn: psycopg.Connection, table: SourceTable) -> None:
    """Drop it, for as long as many rows go in at once."""
    conn.execute(
        sql.SQL("alter table {} drop constraint {}").format(
            raw_table(table), sql.Identifier(f"{table.name}_pkey")
        )
    )
