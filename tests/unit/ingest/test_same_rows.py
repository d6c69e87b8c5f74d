"""The same content gives the same rows from every kind of source (section 2).

The rows are loaded once from CSV as the contract writes it. Delivered again by another kind of
source they must all be known (R1): a value that was read otherwise would be another version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from tests_database import fresh_database

from orchestration.ingest.contract import CAMPAIGN
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import LoadResult, load_delivery
from orchestration.ingest.sources.parquet_file import open_parquet
from orchestration.postgres.database import Database
from tests.deliveries import BASE, LENIENT, load, rejected, stored

Value = UUID | int | float | Decimal | date | datetime | bool | str | None
Rows = list[dict[str, Value]]

AT = datetime(2026, 11, 20, 9, 0, 0, 123456, timezone(timedelta(hours=-3)))
ID = UUID("0a5c6f0e-00b1-4f6a-9a3e-0123456789ab")
OTHER = UUID("ffffffff-0000-4000-8000-000000000000")

TABLES: dict[str, Rows] = {
    "company": [
        {"company_id": "c1", "name": "Ipê", "timezone": None, "no_reply_days": 2,
         "no_show_hours": 1.5, "dispatch_grace_hours": Decimal("12.0")},
        {"company_id": "c2", "name": "Jatobá", "timezone": "America/Manaus", "no_reply_days": None,
         "no_show_hours": None, "dispatch_grace_hours": Decimal("0.5")},
    ],
    "client": [
        {"client_id": 1001, "updated_at": AT, "name": "João “Zé” é", "ddd": 11,
         "mobile": 980000001, "landline": None, "email": None, "accepts_messages": True},
        {"client_id": 1002, "updated_at": AT, "name": ' "a";b,\nc ', "ddd": None,
         "mobile": None, "landline": None, "email": None, "accepts_messages": False},
    ],
    "vehicle": [
        {"vehicle_id": Decimal("2001.0"), "updated_at": AT, "client_id": 1001, "plate": "IPE0E00",
         "model": None, "active": True},
        {"vehicle_id": Decimal("10000000000000000.0"), "updated_at": AT, "client_id": 1002,
         "plate": None, "model": "Onix", "active": False},
    ],
    "agenda": [
        {"agenda_id": ID, "updated_at": AT, "company_id": "c1", "client_id": 1001,
         "vehicle_id": None, "event_type_id": "e1", "team_id": None, "agent_id": None,
         "origin": "active", "contact_date": date(2026, 11, 20), "created_at": AT,
         "closed_at": None},
        {"agenda_id": OTHER, "updated_at": AT, "company_id": "c2", "client_id": None,
         "vehicle_id": 2001, "event_type_id": "e1", "team_id": "t1", "agent_id": "u1",
         "origin": "passive", "contact_date": date(2026, 11, 21), "created_at": AT,
         "closed_at": AT + timedelta(days=1)},
    ],
    "dispatch": [
        {"dispatch_id": "d1", "updated_at": AT, "agenda_id": ID, "purpose": "first_contact",
         "queued_at": AT, "sent_at": None, "delivered_at": None, "read_at": None, "failed_at": AT,
         "error_code": 131026, "error_message": None},
    ],
}  # fmt: skip


def written(value: Value) -> str:
    """A value as the contract writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return f"{value:f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def rows_as_text(rows: Rows) -> list[dict[str, str]]:
    return [{name: written(value) for name, value in row.items()} for row in rows]


def changed(rows: Rows, change: Callable[[Value], object]) -> list[dict[str, object]]:
    return [{name: change(value) for name, value in row.items()} for row in rows]


def at_midnight(value: Value) -> object:
    """A date as data frames keep it; UUIDs as text, which they have no type for."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return str(value) if isinstance(value, UUID) else value


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[Database]:
    with fresh_database(postgres, maintenance) as made:
        delivery = {**BASE, **{name: rows_as_text(rows) for name, rows in TABLES.items()}}
        load(made, tmp_path_factory.mktemp("csv"), delivery)
        assert len(stored(made)["agenda"]) == len(TABLES["agenda"])
        yield made


def assert_known(database: Database, source: Path | str) -> LoadResult:
    """Load the rows again: each must be known, and none stored anew or set aside."""
    before = stored(database)
    loaded = load_delivery(database, source, LENIENT)
    assert {table.table: (table.known, table.read) for table in loaded.tables} == {
        name: (len(rows), len(rows)) for name, rows in TABLES.items()
    }
    assert stored(database) == before
    assert rejected(database) == []
    return loaded


def in_pandas(value: Value) -> object:
    return float(value) if isinstance(value, Decimal) else at_midnight(value)


def csv_of_pandas(folder: Path, name: str, rows: Rows) -> None:
    # A column of numbers with gaps is one of fractions, unless it is told to be of integers.
    frame = pd.DataFrame(changed(rows, in_pandas)).convert_dtypes()
    frame.to_csv(folder / f"{name}.csv", sep=";")


def csv_of_polars(folder: Path, name: str, rows: Rows) -> None:
    frame = pl.DataFrame(changed(rows, at_midnight), infer_schema_length=None)
    decimals = [pl.col(n).cast(pl.Float64) for n, t in frame.schema.items() if t == pl.Decimal]
    whole = [n for n in ("vehicle_id",) if n in frame.columns]  # in CSV a text is a text
    frame.with_columns(decimals).with_columns(pl.col(n).cast(pl.Int64) for n in whole).write_csv(
        folder / f"{name}.csv"
    )


def csv_with_rows_of_separators(folder: Path, name: str, rows: Rows) -> None:
    csv_of_polars(folder, name, rows)
    path = folder / f"{name}.csv"
    path.write_text(f"{path.read_text()}{',' * (len(rows[0]) - 1)}\n,,\n,\n")


def parquet_of_pandas(folder: Path, name: str, rows: Rows) -> None:
    pd.DataFrame(changed(rows, at_midnight)).to_parquet(folder / f"{name}.parquet")


def parquet_of_polars(folder: Path, name: str, rows: Rows) -> None:
    frame = pl.DataFrame(changed(rows, at_midnight), infer_schema_length=None)
    gaps = [
        pl.col(n).cast(pl.Float64).fill_null(float("nan"))
        for n, t in frame.schema.items()
        if t.is_numeric() and frame[n].null_count()
    ]
    frame.with_columns(gaps).write_parquet(folder / f"{name}.parquet")


def parquet_of_pyarrow(folder: Path, name: str, rows: Rows) -> None:
    columns: dict[str, pa.Array] = {}
    for column in rows[0]:
        values = [row[column] for row in rows]
        if any(isinstance(value, UUID) for value in values):
            columns[column] = pa.array([v.bytes if v else None for v in values], pa.uuid())  # type: ignore[union-attr]
        elif any(isinstance(value, str) for value in values):
            columns[column] = pa.array(values).dictionary_encode()
        elif any(type(value) is date for value in values):
            # Midnight in São Paulo, which is 03:00 in UTC: the date is the one that is written.
            moments = [datetime.combine(v, time(3), UTC) for v in values]  # type: ignore[arg-type]
            columns[column] = pa.array(moments, pa.timestamp("ns", "America/Sao_Paulo"))
        else:
            columns[column] = pa.array(values)
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


DUCKDB_TYPES: dict[type, str] = {
    UUID: "uuid", int: "hugeint", float: "float", Decimal: "decimal(28, 3)", date: "timestamp",
    datetime: "timestamptz", bool: "boolean", str: "varchar",
}  # fmt: skip


def parquet_of_duckdb(folder: Path, name: str, rows: Rows) -> None:
    types = types_of(rows, DUCKDB_TYPES, "varchar")
    with duckdb.connect() as conn:
        conn.execute(f"create table t ({', '.join(f'{n} {t}' for n, t in types.items())})")
        marks = ", ".join("?" * len(types))
        conn.executemany(f"insert into t values ({marks})", [list(row.values()) for row in rows])
        conn.execute(f"copy t to '{folder / name}.parquet'")


def types_of(rows: Rows, types: Mapping[type, str], none: str) -> dict[str, str]:
    """The type of each column in a database; `none` where it has no value."""
    return {
        column: next(
            (types[type(row[column])] for row in rows if row[column] is not None), none
        )
        for column in rows[0]
    }  # fmt: skip


FILES = {
    writer.__name__: writer
    for writer in (
        csv_of_pandas,
        csv_of_polars,
        csv_with_rows_of_separators,
        parquet_of_pandas,
        parquet_of_polars,
        parquet_of_pyarrow,
        parquet_of_duckdb,
    )
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_every_kind_hold_the_same_rows(base: Database, tmp_path: Path, kind: str) -> None:
    for name, rows in TABLES.items():
        FILES[kind](tmp_path, name, rows)
    assert_known(base, tmp_path)


def source_url(database: Database) -> str:
    parts = database.parts
    url = f"postgresql://{parts.get('user', '')}@/{parts['dbname']}?host={parts['host']}"
    return f"{url}&port={parts.get('port', 5432)}&schema=crm"


POSTGRES_TYPES: dict[type, str] = {
    UUID: "uuid", int: "double precision", float: "real", Decimal: "numeric(28, 3)",
    date: "timestamp", datetime: "timestamptz", bool: "boolean", str: "varchar(99)",
}  # fmt: skip


@pytest.mark.parametrize("hours", ["real", "numeric"])
def test_a_schema_of_postgresql_holds_the_same_rows(base: Database, hours: str) -> None:
    with base.connect() as conn:
        conn.execute("drop schema if exists crm cascade; create schema crm")
        for name, rows in TABLES.items():
            types = types_of(rows, POSTGRES_TYPES | {float: f"{hours}"}, "text")
            relation = sql.Identifier("crm", name)
            conn.execute(
                sql.SQL("create table {} ({})").format(
                    relation, sql.SQL(", ".join(f"{n} {t}" for n, t in types.items()))
                )
            )
            for row in rows:
                # Not-a-number is no value.
                values = [
                    "NaN"
                    if v is None and types[n] in ("real", "numeric", "double precision")
                    else v
                    for n, v in row.items()
                ]
                marks = sql.SQL(", ").join(sql.Placeholder() for _ in values)
                conn.execute(sql.SQL("insert into {} values ({})").format(relation, marks), values)
    assert_known(base, source_url(base))


def test_sqlite_holds_the_same_rows(base: Database, tmp_path: Path) -> None:
    def kept(value: Value) -> object:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, date):
            return f"{value} 00:00:00"
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return float(value)
        return str(value) if isinstance(value, UUID) else value

    conn = sqlite3.connect(tmp_path / "crm.db")
    with conn:
        for name, rows in TABLES.items():
            conn.execute(f"create table {name} ({', '.join(rows[0])})")
            for row in changed(rows, kept):
                marks = ", ".join("?" * len(row))
                conn.execute(f"insert into {name} values ({marks})", list(row.values()))
    conn.close()
    assert_known(base, f"sqlite:///{tmp_path / 'crm.db'}")


@pytest.mark.parametrize("kind", ["mysql", "mssql", "oracle"])
def test_other_databases_hold_the_same_rows(kind: str) -> None:
    pytest.skip(f"no server of {kind} here; test_other_databases.py has its statements and values")


def test_ids_that_pandas_wrote_as_fractions_are_parked_and_told(
    base: Database, tmp_path: Path
) -> None:
    frame = pd.DataFrame(changed(TABLES["agenda"], at_midnight))
    frame["agenda_id"] = ["x1", "x2"]
    frame.to_csv(tmp_path / "agenda.csv", index=False)
    before = stored(base)
    try:
        loaded = load_delivery(base, tmp_path, LENIENT)
        assert loaded.rejected_by_reason == {("agenda", "unknown_reference"): 2}
        assert stored(base) == before
    finally:
        with base.connect() as conn:
            conn.execute("delete from raw.rejected_row")


@pytest.mark.parametrize(
    "name",
    [pa.list_(pa.string()), pa.duration("s"), pa.time64("us"), pa.binary(16), pa.json_()],
    ids=str,
)
def test_types_of_parquet_that_a_file_of_text_cannot_say(tmp_path: Path, name: pa.DataType) -> None:
    empty = {"campaign_id": pa.array([], pa.string()), "name": pa.array([], name)}
    pq.write_table(pa.table(empty), tmp_path / "campaign.parquet")
    with pytest.raises(DeliveryRefused, match=r"campaign\.parquet: the column name holds"):
        open_parquet(tmp_path / "campaign.parquet", CAMPAIGN, 1 << 20)


@pytest.mark.parametrize("name", ["interval", "text[]", "jsonb", "time", "money", "point"])
def test_types_of_postgresql_that_a_file_of_text_cannot_say(base: Database, name: str) -> None:
    with base.connect() as conn:
        conn.execute("drop schema if exists crm cascade; create schema crm")
        conn.execute(f"create domain crm.d as {name}; create type crm.kind as enum ('x')")
        conn.execute("create table crm.campaign (campaign_id crm.kind, name crm.d, active bool)")
    with pytest.raises(DeliveryRefused, match=r"crm\.campaign: the column name holds crm.d, for"):
        load_delivery(base, source_url(base), LENIENT)


def padded(value: Value) -> object:
    return f" {value}\u00a0 " if isinstance(value, int) and value > 1000 else value


@pytest.mark.parametrize("kind", ["csv_of_pandas", "parquet_of_pandas"])
def test_padded_ids_are_the_same_ids(base: Database, tmp_path: Path, kind: str) -> None:
    FILES[kind](tmp_path, "vehicle", changed(TABLES["vehicle"], padded))  # type: ignore[arg-type]
    try:
        (loaded,) = load_delivery(base, tmp_path, LENIENT).tables
        assert (loaded.known, loaded.read) == (2, 2)
    finally:
        with base.connect() as conn:
            conn.execute("delete from raw.rejected_row")
