"""Names, keys and statistics of the raw tables, which migrations create to match the contract."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from orchestration.ingest.contract import SourceTable

LOAD_STAGING = "load_staging"  # schema of the staging tables; dropped after each load
# WhatsApp events, which the dbt models join to the delivered rows.
EVENT_TABLES = {
    "whatsapp_status": "What WhatsApp reported of each message.",
    "whatsapp_reply": "What WhatsApp reported that clients clicked.",
    "whatsapp_preference": "Marketing messages stopped or resumed in WhatsApp.",
}


def raw_table(table: SourceTable | str) -> sql.Identifier:
    """Return the qualified name of a raw table."""
    return sql.Identifier("raw", table if isinstance(table, str) else table.name)


def staging_table(name: str) -> sql.Identifier:
    """Return the qualified name of a staging table."""
    return sql.Identifier(LOAD_STAGING, name)


def identifiers(columns: Iterable[str], prefix: str = "") -> sql.Composed:
    """Return a comma-separated list of columns, qualified by the alias `prefix` if given."""
    return sql.SQL(", ").join(
        sql.Identifier(prefix, name) if prefix else sql.Identifier(name) for name in columns
    )


def column_names(table: SourceTable) -> tuple[str, ...]:
    """Return the contract's columns of a table, in order."""
    return tuple(column.name for column in table.columns)


def primary_key(table: SourceTable) -> tuple[str, ...]:
    """Return the primary key of a raw table; `company_id` leads where there is one."""
    if table.kind == "reference":
        return table.key
    company = ("company_id",) if table.by_company else ()
    return (*company, *table.key, "updated_at")


def add_primary_key(conn: psycopg.Connection, table: SourceTable) -> None:
    """Add the primary key of a raw table; raise UniqueViolation when rows violate it."""
    conn.execute(
        sql.SQL("alter table {} add constraint {} primary key ({})").format(
            raw_table(table), sql.Identifier(f"{table.name}_pkey"), identifiers(primary_key(table))
        )
    )


def analyze_keys(conn: psycopg.Connection, table: SourceTable, relation: sql.Identifier) -> None:
    """Analyze the key and reference columns of a relation.

    Without statistics, joins of many rows are planned as if there were few.

    Args:
        conn: A connection to the database.
        table: The table of the source contract.
        relation: The relation that holds its rows.
    """
    joined = [
        column.name
        for column in table.columns
        if column.name in (*table.key, "updated_at", table.parent) or column.references
    ]
    conn.execute(sql.SQL("analyze {} ({})").format(relation, identifiers(joined)))


def drop_primary_key(conn: psycopg.Connection, table: SourceTable) -> None:
    """Drop the primary key of a raw table for the duration of a bulk insert."""
    conn.execute(
        sql.SQL("alter table {} drop constraint {}").format(
            raw_table(table), sql.Identifier(f"{table.name}_pkey")
        )
    )
