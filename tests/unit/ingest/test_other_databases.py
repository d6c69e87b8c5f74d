"""Deliveries from other databases: SQLite in full, of the others what is asked of them."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle

from orchestration.ingest.contract import SOURCE_TABLES, source_table
from orchestration.ingest.load import (
    DeliveryRefused,
    LoadResult,
    LoadSettings,
    load_delivery,
    source_label,
)
from orchestration.ingest.raw_tables import column_names
from orchestration.ingest.sources import other_databases
from orchestration.ingest.sources.database_types import SourceColumn, source_column
from orchestration.ingest.sources.other_databases import open_database
from orchestration.postgres.database import Database
from tests.deliveries import AT, BASE, LENIENT, Row, agenda, dispatch, load, rejected, stored

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An SQLite database with the tables of the contract, all text, and the base delivery."""
    conn = sqlite3.connect(tmp_path / "crm.db", isolation_level=None)
    for table in SOURCE_TABLES:
        columns = ", ".join(f"{name} text" for name in column_names(table))
        conn.execute(f"create table {table.name} ({columns})")
        for row in BASE.get(table.name, ()):
            put(conn, table.name, row)
    yield conn
    conn.close()


def put(conn: sqlite3.Connection, table: str, row: Mapping[str, object]) -> None:
    marks = ", ".join("?" * len(row))
    conn.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def address(conn: sqlite3.Connection) -> str:
    ((_, _, path),) = conn.execute("pragma database_list").fetchall()
    return f"sqlite:///{path}"


def read(loaded: LoadResult, name: str = "agenda") -> int:
    (found,) = (table for table in loaded.tables if table.table == name)
    return found.read


def test_sqlite_holds_the_same_rows_as_files(
    database: Database, crm: sqlite3.Connection, tmp_path: Path
) -> None:
    hostile = 'a "quoted", one\nof two\r\nlines; \\.\n\\.\nçã€😀 \t'
    rows: list[Row] = [
        dispatch("d1", error_message=hostile),
        dispatch("d2", error_message="", sent_at="2026-11-20 12:00:00.123456+00"),
    ]
    for row in rows:
        put(crm, "dispatch", row)
    put(crm, "agenda", agenda())
    load_delivery(database, address(crm), LoadSettings())
    from_sqlite = stored(database)
    assert {row[9] for row in from_sqlite["dispatch"]} >= {None}
    loaded = load(
        database, tmp_path / "files", {**BASE, "agenda": [agenda()], "dispatch": rows}, LENIENT
    )
    assert {table.new for table in loaded.tables if table.table in ("agenda", "dispatch")} == {0}
    assert stored(database) == from_sqlite
    assert not rejected(database)


@pytest.mark.parametrize("row_by_row", [False, True])
def test_values_that_are_no_text(
    database: Database, crm: sqlite3.Connection, row_by_row: bool
) -> None:
    crm.execute("update company set no_show_hours = 1.5, no_reply_days = 3")
    crm.execute("update team set is_service_desk = x'01'")
    put(crm, "client", {"client_id": 7, "updated_at": AT, "name": 3.0, "accepts_messages": 0})
    load_delivery(database, address(crm), replace(LENIENT, row_by_row=row_by_row))
    found = stored(database)
    assert {(row[3], row[4]) for row in found["company"]} == {(3, Decimal("1.5"))}
    assert [row[3] for row in found["team"]] == [True]
    assert ("7", "3.0", False) in {(row[0], row[2], row[7]) for row in found["client"]}


def test_faults_are_set_aside_as_they_came(database: Database, crm: sqlite3.Connection) -> None:
    put(crm, "agenda", agenda("a2", origin="Z"))
    put(crm, "agenda", agenda("a1", origin="passive"))
    put(crm, "agenda", agenda("a1", origin="active"))
    put(crm, "agenda", agenda("a3", updated_at="2026-11-20T09:00:00"))
    for vehicle in ("v1", None):
        put(crm, "agenda", {**agenda("a4"), "vehicle_id": vehicle})
    # Values are compared, not how they are written: 12:00 of UTC is 09:00 here, and later than 08.
    for created_at in ("2026-11-20T12:00:00Z", "2026-11-20T08:00:00-03:00"):
        put(crm, "agenda", agenda(" a5", created_at=created_at))
    put(crm, "client", {"client_id": "nul", "updated_at": AT, "name": "a\0b"})
    load_delivery(database, address(crm), LENIENT)
    assert set(rejected(database)) == {
        ("agenda", 1, None, "duplicate_version"),
        ("agenda", 3, "origin", "unknown_code"),
        ("agenda", 4, "updated_at", "does_not_cast"),
        ("agenda", 5, None, "duplicate_version"),
        ("agenda", 7, None, "duplicate_version"),
        ("client", 2, "name", "does_not_cast"),
    }
    origin, vehicle, created_at = (
        row[at] for row, at in zip(stored(database)["agenda"], (8, 4, 10), strict=True)
    )
    assert (origin, vehicle, created_at.hour) == ("passive", "v1", 12), "the greater row stands"


def test_times_without_a_zone_need_one_in_the_url(
    database: Database, crm: sqlite3.Connection
) -> None:
    put(crm, "agenda", agenda("a1", updated_at="2026-11-20 09:00:00", created_at=AT))
    put(crm, "agenda", agenda("twice", updated_at="2018-02-17 23:30:00"))
    put(crm, "agenda", agenda("never", updated_at="2018-11-04 00:30:00"))
    url = f"{address(crm)}?timezone=America/Sao_Paulo"
    load_delivery(database, url, LENIENT)
    (row,) = stored(database)["agenda"]
    assert row[1] == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert {reason for *_, reason in rejected(database)} == {"does_not_cast"}
    with pytest.raises(DeliveryRefused, match="No time zone is called 'Mars'"):
        load_delivery(database, f"{address(crm)}?timezone=Mars", LENIENT)


def test_sqlite_is_read_from_the_watermark_on(database: Database, crm: sqlite3.Connection) -> None:
    url, noon = address(crm), datetime(2026, 11, 20, 15, tzinfo=UTC)
    offset = SAO_PAULO
    put(crm, "agenda", agenda("a", updated_at=noon.astimezone(offset).isoformat()))
    put(crm, "agenda", agenda("old", updated_at=(noon - timedelta(days=2)).isoformat()))
    assert read(load_delivery(database, url, LENIENT)) == 2
    late = timedelta(hours=2)
    put(crm, "agenda", agenda("in", updated_at=(noon - late).astimezone(offset).isoformat()))
    put(crm, "agenda", agenda("out", updated_at=(noon - late * 1.01).isoformat()))
    put(crm, "agenda", agenda("odd", updated_at="yesterday"))
    assert read(load_delivery(database, url, LENIENT)) == 3
    assert {row[0] for row in stored(database)["agenda"]} == {"a", "old", "in"}
    assert read(load_delivery(database, url, replace(LENIENT, whole=True))) == 5
    assert {row[0] for row in stored(database)["agenda"]} == {"a", "old", "in", "out"}
    with database.connect() as conn:
        kept = conn.execute("select distinct updated_at from ops.watermark where table_name = %s",
                            ["agenda"]).fetchall()  # fmt: skip
    assert kept == [(noon,)]


def test_all_tables_are_read_as_of_one_instant(
    database: Database, crm: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.execute("pragma journal_mode = wal")
    opened = other_databases._delivery

    def write_meanwhile(*arguments: object) -> object:
        delivery = opened(*arguments)  # type: ignore[arg-type]
        put(crm, "agenda", agenda("later"))
        return delivery

    monkeypatch.setattr(other_databases, "_delivery", write_meanwhile)
    assert read(load_delivery(database, address(crm), LENIENT)) == 0
    monkeypatch.undo()
    assert read(load_delivery(database, address(crm), LENIENT)) == 1


def test_a_source_that_cannot_be_used(database: Database, tmp_path: Path) -> None:
    def says(url: str) -> str:
        with pytest.raises(DeliveryRefused) as refusal:
            load_delivery(database, url, LENIENT)
        with database.connect() as conn:
            kept = conn.execute(
                "select source, message from ops.delivery order by delivery_id desc limit 1"
            ).fetchone()
        assert "secret" not in f"{refusal.value}{kept}"
        return str(refusal.value)

    assert f"sqlite {tmp_path / 'none'} does not exist" in says(f"sqlite:///{tmp_path / 'none'}")
    (tmp_path / "text").write_text("no database\n" * 99)
    assert "file is not a database" in says(f"sqlite:///{tmp_path / 'text'}")
    (tmp_path / "empty").touch()
    assert "holds no table of the source contract" in says(f"sqlite:///{tmp_path / 'empty'}")
    for kind in ("mysql+pymysql", "mssql+pymssql", "oracle+oracledb"):
        told = says(f"{kind}://reader:secret@crm.example:1234/crm?schema=export&password=secret")
        name = kind.partition("+")[0]
        assert f"The driver for {name} crm.example:1234/crm, schema export is missing." in told
        assert "extra `databases`" in told
    assert "cannot be read" in says("mysql+pymysql://reader:secret@crm.example:port/crm")
    assert "unknown kind" in says("mysql+secret://reader:secret@crm.example/crm")


def test_without_sqlalchemy_the_extra_is_named(
    database: Database, crm: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(DeliveryRefused, match="read with SQLAlchemy, which is missing"):
        load_delivery(database, address(crm), LENIENT)


def test_a_label_holds_no_password() -> None:
    url = "mysql+pymysql://us%40er:pa%2Fss@[::1]:3306/crm?schema=export&ssl_key=secret"
    assert source_label(url) == "mysql [::1]:3306/crm, schema export"
    url = "oracle+oracledb://u:secret@db.example/?service_name=CRM&schema=export"
    assert source_label(url) == "oracle db.example/CRM, schema export"
    assert source_label("sqlite:////data/a%20b.db") == "sqlite /data/a b.db"
    assert source_label("sqlite:////data/a@b.db") == "sqlite /data/a@b.db"
    for password in ("se/cret", "s#cret", "s[cret", "s:cret"):
        url = f"mysql+pymysql://reader:{password}@crm.example/crm"
        assert source_label(url) == "mysql crm.example/crm", "what the driver is told"
    for url in (
        "mysql+pymysql://reader:s@cret@crm.example/crm",
        "mysql+pymysql://reader:s?cret@crm.example/crm",
        "mysql+pymysql://crm.example:1/crm?user=reader&password=s@cret",
        "mysql+pymysql://re/ader:cret@crm.example/crm",
    ):
        assert source_label(url) == "mysql", "it can be read in two ways"
        with pytest.raises(DeliveryRefused, match="percent-encoded"), open_database(url):
            pass


def column(dialect: str, kind: object, zone: ZoneInfo | None = None) -> SourceColumn:
    return SourceColumn("updated_at", kind, "timestamp", dialect, zone)  # type: ignore[arg-type]


DIALECTS: dict[str, Callable[[], sa.Dialect]] = {
    "mysql": mysql.dialect, "mssql": mssql.dialect, "oracle": oracle.dialect,
}  # fmt: skip


def said(dialect: str, element: object) -> str:
    text = str(element.compile(dialect=DIALECTS[dialect]()))  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("dialect", "kind", "selected", "since"),
    [
        ("mysql", mysql.TIMESTAMP(), "updated_at", "updated_at >= %s OR updated_at IS NULL"),
        ("mysql", mysql.DATETIME(), "updated_at", None),
        (
            "mssql",
            mssql.DATETIMEOFFSET(),
            "CAST(switchoffset(updated_at, :switchoffset_1) AS DATETIME2)",
            "updated_at >= todatetimeoffset(:param_1, :todatetimeoffset_1) OR updated_at IS NULL",
        ),
        ("mssql", mssql.DATETIME2(), "updated_at", None),
        (
            "oracle",
            oracle.TIMESTAMP(timezone=True),
            "sys_extract_utc(updated_at)",
            "updated_at >= from_tz(CAST(:param_1 AS TIMESTAMP), :from_tz_1) OR updated_at IS NULL",
        ),
        ("oracle", oracle.DATE(), "updated_at", None),
        ("oracle", oracle.VARCHAR2(40), "updated_at", None),
    ],
)
def test_what_is_asked_of_each_database(
    dialect: str, kind: object, selected: str, since: str | None
) -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    asked = column(dialect, kind)
    assert said(dialect, asked.selected) == selected
    part = asked.since(moment)
    assert (part if part is None else said(dialect, part)) == since


@pytest.mark.parametrize(
    ("dialect", "kind", "selected"),
    [
        ("mssql", mssql.DATETIMEOFFSET(), "CAST(x AS DATETIME2)"),
        ("oracle", oracle.TIMESTAMP(timezone=True), "CAST(x AS TIMESTAMP)"),
        ("mysql", mysql.TIMESTAMP(), "x"),
    ],
)
def test_a_date_is_taken_as_written_whatever_its_offset(
    dialect: str, kind: object, selected: str
) -> None:
    found = SourceColumn("x", kind, "date", dialect, None)  # type: ignore[arg-type]
    assert said(dialect, found.selected) == selected


@pytest.mark.parametrize("kind", [mysql.TIME(), mysql.JSON(), oracle.INTERVAL(), sa.Interval()])
def test_a_type_that_a_file_of_text_cannot_say_is_refused(
    kind: sa.types.TypeEngine[object],
) -> None:
    column = source_table("campaign").column("name")
    with pytest.raises(DeliveryRefused, match=r"crm\.campaign: the column NAME holds"):
        source_column("crm.campaign", ("NAME", kind), column, "oracle", None)


def test_a_local_clock_is_compared_with_an_hour_to_spare() -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    part = column("mysql", mysql.DATETIME(), SAO_PAULO).since(moment)
    assert part is not None
    assert list(part.compile().params.values()) == [datetime(2026, 11, 20, 8)]  # noqa: DTZ001
    part = column("mysql", mysql.TIMESTAMP(), SAO_PAULO).since(moment)
    assert part is not None
    assert list(part.compile().params.values()) == [datetime(2026, 11, 20, 12)]  # noqa: DTZ001


MIDNIGHT = datetime(2026, 1, 2)  # noqa: DTZ001 — as a driver gives it
THREE = MIDNIGHT.replace(hour=3)


@pytest.mark.parametrize(
    ("dialect", "kind", "meaning", "value", "text"),
    [
        ("mysql", mysql.TIMESTAMP(), "timestamp", THREE, "2026-01-02T03:00:00+00:00"),
        ("mysql", mysql.DATETIME(), "timestamp", THREE, "2026-01-02T03:00:00"),
        ("oracle", oracle.DATE(), "date", MIDNIGHT, "2026-01-02"),
        ("oracle", oracle.DATE(), "date", THREE, "2026-01-02T03:00:00"),
        ("oracle", sa.CHAR(9), "id", "c1       ", "c1"),
        ("mysql", sa.VARCHAR(9), "text", "c1 ", "c1 "),
        ("oracle", oracle.NUMBER(), "id", Decimal("1E+2"), "100"),
        ("oracle", oracle.NUMBER(), "id", Decimal("10.50"), "10.5"),
        ("mysql", mysql.DOUBLE(), "hours", 1e-05, "0.00001"),
        ("mysql", mysql.DOUBLE(), "hours", float("nan"), None),
        ("mssql", mssql.BIT(), "boolean", True, "true"),
        ("mysql", mysql.BIT(1), "boolean", b"\0", "0"),
        ("oracle", oracle.RAW(2), "id", b"\x0a\xff", "0aff"),
        ("mysql", sa.DATE(), "date", date(2026, 1, 2), "2026-01-02"),
        ("mysql", sa.VARCHAR(9), "text", "", None),
    ],
)  # fmt: skip
def test_values_as_the_contract_writes_them(
    dialect: str, kind: object, meaning: str, value: object, text: str | None
) -> None:
    found = SourceColumn("x", kind, meaning, dialect, None)  # type: ignore[arg-type]
    assert found.text(value) == text
