"""The raw tables and the ledger of deliveries, made from the source contract."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from orchestration.ingest import watermark
from orchestration.ingest.contract import SOURCE_TABLES, Column, SourceTable
from orchestration.postgres.made import create_once

STAGING_SCHEMA = "arriving"  # the schema of what is being read; never outlives a load

_LEDGER = """
create schema if not exists raw;
create schema if not exists ops;

create table if not exists ops.delivery (
    delivery_id bigint generated always as identity primary key,
    source text not null,
    run_id text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status text not null check (status in ('loaded', 'refused')),
    message text
);
comment on table ops.delivery is 'Every delivery that came, loaded or refused. No personal data.';

create table if not exists ops.delivery_file (
    delivery_id bigint not null references ops.delivery,
    table_name text not null,
    file_name text not null,
    rows_read bigint not null,
    rows_new bigint not null,
    rows_known bigint not null,
    rows_rejected bigint not null,
    rows_parked bigint not null,
    primary key (delivery_id, table_name)
);
comment on table ops.delivery_file is
    'What became of the rows of each file: read = new + known + rejected + parked.';

alter table ops.delivery add column if not exists manifest text;
alter table ops.delivery add column if not exists is_for_now boolean not null default false;
alter table ops.delivery_file add column if not exists read_since timestamptz;
comment on column ops.delivery.manifest is
    'The beginning of the SHA-256 of its manifest.json, where there was one.';
comment on column ops.delivery.is_for_now is
    'Refused for lack of what another delivery may bring; tried again then.';
comment on column ops.delivery_file.read_since is
    'From which updated_at on a table of a live source was read; null where it was read whole.';

create table if not exists raw.rejected_row (
    rejected_id bigint generated always as identity primary key,
    delivery_id bigint not null,
    table_name text not null,
    file_name text not null,
    line bigint not null,
    column_name text,
    reason text not null,
    row_as_delivered jsonb not null
);
comment on table raw.rejected_row is
    'R2: rows set aside, as they came. Reason `unknown_reference` is parked: tried at every load.';
comment on column raw.rejected_row.line is
    'Line of the file where the row begins (the header is 1); number of the row in a table.';
comment on column raw.rejected_row.row_as_delivered is
    'Header to text; one string where the row does not fit its header.';
create index if not exists rejected_row_by_table on raw.rejected_row (table_name, reason);

create table if not exists raw.dropped_reference (
    table_name text not null,
    id text collate "C" not null,
    primary key (table_name, id)
);
comment on table raw.dropped_reference is
    'Ids of users and teams that a delivery dropped: rows may still name them.';
"""

_COLUMNS = """
select c.relname, array_agg(cast(a.attname as text))
from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace('raw') and c.relkind in ('r', 'p')
    and a.attnum > 0 and not a.attisdropped
group by c.relname
"""


def raw_table(table: SourceTable | str) -> sql.Identifier:
    """The raw table."""
    return sql.Identifier("raw", table if isinstance(table, str) else table.name)


# Tables over whose rows WhatsApp's events are laid (`whatsapp/overlay.py`).
_LAID_OVER = ("client", "dispatch")


def delivered(table: SourceTable) -> sql.Identifier:
    """Of a table that events are laid over: the rows that have some, as they were delivered."""
    return sql.Identifier("raw", f"{table.name}_delivered")


def as_delivered_in(table: SourceTable) -> tuple[sql.Identifier, ...]:
    """Where a version that was delivered before may stand as it was delivered."""
    return (raw_table(table), delivered(table)) if table.name in _LAID_OVER else (raw_table(table),)


def staging_table(name: str) -> sql.Identifier:
    """A table of what is being read."""
    return sql.Identifier(STAGING_SCHEMA, name)


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


def column_type(column: Column) -> sql.Composed:
    """A column's type. Ids compare by code point everywhere ("greatest id", R3)."""
    collation = ' collate "C"' if column.kind == "id" else ""
    return sql.SQL(column.sql_type + collation).format()


def create_raw_tables(conn: psycopg.Connection) -> None:
    """Make what is not there yet. Safe to call at every start."""
    with conn.transaction():
        create_once(conn, "ledger", _LEDGER)
        watermark.create_watermark_table(conn)
        there: dict[str, list[str]] = dict(conn.execute(_COLUMNS).fetchall())
        for table in SOURCE_TABLES:
            if table.name not in there:
                _create(conn, table)
                continue
            for relation in as_delivered_in(table):
                name = relation.as_string(conn).split(".")[1].strip('"')
                _add_columns(conn, table, relation, there.get(name))


def _add_columns(
    conn: psycopg.Connection, table: SourceTable, relation: sql.Identifier, there: list[str] | None
) -> None:
    """The columns that an earlier version of the contract did not have, where the table is there.

    One that may not be null needs a migration before (`postgres/migrate.py`), unless the table
    is empty.
    """
    for column in table.columns:
        if there is not None and column.name not in there:
            conn.execute(
                sql.SQL("alter table {} add column {} {} {}").format(
                    relation,
                    sql.Identifier(column.name),
                    column_type(column),
                    sql.SQL("" if column.nullable else "not null"),
                )
            )
            _describe(conn, relation, column)


def _create(conn: psycopg.Connection, table: SourceTable) -> None:
    lines = [
        sql.SQL("{} {} {}").format(
            sql.Identifier(column.name),
            column_type(column),
            sql.SQL("" if column.nullable else "not null"),
        )
        for column in table.columns
    ]
    if table.company_from:
        lines.insert(0, sql.SQL('company_id text collate "C" not null').format())
    lines.append(sql.SQL("delivery_id bigint not null").format())
    conn.execute(
        sql.SQL("create table {} ({})").format(raw_table(table), sql.SQL(",\n").join(lines))
    )
    add_primary_key(conn, table)
    conn.execute(
        sql.SQL("comment on table {} is {}").format(
            raw_table(table), sql.Literal(table.description)
        )
    )
    for column in table.columns:
        _describe(conn, raw_table(table), column)


def _describe(conn: psycopg.Connection, relation: sql.Identifier, column: Column) -> None:
    if column.description:
        conn.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                relation, sql.Identifier(column.name), sql.Literal(column.description)
            )
        )


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
