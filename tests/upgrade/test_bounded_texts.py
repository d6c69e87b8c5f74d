"""States of 0.3.0 and 0.4.0, which held padded ids and texts of any length."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from deliveries import AT, BASE, LATER, agenda, dispatch, load, passive, rejected, reply, stored
from psycopg.types.json import Jsonb

from orchestration.ingest.contract import CLIENT, SOURCE_TABLES
from orchestration.ingest.raw_tables import column_names
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MIGRATIONS, migrate

PAD = "\u00a0 {}\t".format


@pytest.fixture
def former(empty_database: Database, tmp_path: Path) -> Database:
    """A database migrated up to 0003."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in MIGRATIONS.glob("000[1-3]*"):
        (folder / path.name).symlink_to(path)
    with empty_database.connect() as conn:
        migrate(conn, "0.4.0", folder)
    return empty_database


def store(conn: psycopg.Connection, delivery: int, table: str, **row: str) -> None:
    """Store a row as 0.3.0 did; a row below an agenda names its company."""
    columns = ", ".join(row)
    conn.execute(
        f"insert into raw.{table} ({columns}, delivery_id) values ({', '.join(['%s'] * len(row))},"
        f" {delivery})".encode(),
        ["true" if value == "S" else value for value in row.values()],
    )


def deliver(conn: psycopg.Connection, file: str = "{}.csv") -> int:
    (number,) = conn.execute(
        "insert into ops.delivery (source, run_id, started_at, status)"
        " values ('x', '', now(), 'loaded') returning delivery_id"
    ).fetchone() or (0,)
    for table in SOURCE_TABLES:
        conn.execute(
            "insert into ops.delivery_file values (%s, %s, %s, 0, 0, 0, 0, 0)",
            [number, table.name, file.format(table.name)],
        )
    return number


def store_delivery(conn: psycopg.Connection, number: int, tables: dict[str, list[dict]]) -> None:
    for name, rows in tables.items():
        for row in rows:
            store(conn, number, name, **row)


def reasons(database: Database) -> list[tuple[object, ...]]:
    """Table, column and reason of every row set aside."""
    found = [(table, column, reason) for table, _, column, reason in rejected(database)]
    return sorted(found, key=repr)


def migrated(database: Database) -> None:
    with database.connect() as conn:
        migrate(conn)


def test_a_state_with_padded_ids_delivered_again_gains_no_row(
    former: Database, tmp_path: Path
) -> None:
    rows = {
        **{name: list(of_table) for name, of_table in BASE.items()},
        "agenda": [agenda(), agenda("a2", client_id="")],
        "dispatch": [dispatch(), dispatch("d2", agenda_id="a2")],
        "reply": [reply()],
        "passive_contact": [passive(agenda_id="a1")],
    }
    padded = {
        table.name: [
            {
                column.name: PAD(value) if column.kind == "id" else value
                for column in table.columns
                if (value := row.get(column.name))
            }
            for row in rows.get(table.name, [])
        ]
        for table in SOURCE_TABLES
    }
    with former.connect() as conn:
        store_delivery(
            conn,
            deliver(conn),
            {
                name: [
                    {**row, "company_id": PAD("c1")} if name in ("dispatch", "reply") else row
                    for row in of_table
                ]
                for name, of_table in padded.items()
            },
        )
        conn.execute("insert into raw.dropped_reference values ('team', ' t9'), ('team', 't9')")
        conn.execute(
            "insert into history.totalizer_history values"
            " ('c1', '2026-11-20', 'refused', ' l1', 2, %(at)s),"
            " (' c1', '2026-11-20', 'refused', 'l1 ', 3, %(at)s)",
            {"at": AT},
        )
        conn.execute(
            "insert into access.account values"
            " ('u1', 'old', false, 0, null, %s), (' u1', 'new', false, 0, null, %s)",
            [AT, LATER],
        )
    migrated(former)
    held = stored(former)
    assert {name: len(of_table) for name, of_table in held.items() if of_table} == {
        name: len(of_table) for name, of_table in rows.items() if of_table
    }
    for delivery in (padded, rows):
        load(former, tmp_path / str(len(rejected(former))), delivery)
        assert stored(former) == held
        assert rejected(former) == []
    with former.connect() as conn:
        assert conn.execute(
            "select bucket, agenda_count from history.totalizer_history"
        ).fetchall() == [("l1", 5)]
        assert conn.execute("select user_id, password_hash from access.account").fetchall() == [
            ("u1", "new")
        ]
        assert conn.execute("select id from raw.dropped_reference").fetchall() == [("t9",)]


def test_where_two_rows_become_one_r1_decides(former: Database) -> None:
    with former.connect() as conn:
        base = {name: list(rows) for name, rows in BASE.items()}
        first, second = deliver(conn), deliver(conn)
        store_delivery(conn, first, base)
        theirs = deliver(conn, "crm.{}")
        client = BASE["client"][0]
        for number, changes in (
            # In one file the later stands, across deliveries the one that was stored first.
            (first, {"client_id": "h2", "name": "earlier"}),
            (first, {"client_id": " h2", "name": "later"}),
            (second, {"client_id": "h2 ", "name": "other delivery"}),
            # The same content is one row.
            (second, {"client_id": "h1 "}),
            # Of a database the greater row, null first.
            (theirs, {"client_id": "h3", "name": "n", "ddd": "21"}),
            (theirs, {"client_id": " h3", "name": "n", "ddd": None}),
            (theirs, {"client_id": "h3 ", "name": "n", "ddd": "1199"}),
        ):
            store(conn, number, "client", **{**client, **changes})
        # The one stored first decides the company, and with it that of the message.
        store(conn, first, "agenda", **agenda(" a1", company_id="c2"))
        store(conn, second, "agenda", **agenda("a1", updated_at=LATER))
        store(conn, second, "agenda", **agenda("a1 ", updated_at=LATER, company_id="c2"))
        store(conn, second, "dispatch", company_id="c1", **dispatch(agenda_id="a1"))
        store(conn, second, "passive_contact", **passive(agenda_id="a1"))
    migrated(former)
    held = stored(former)
    assert [(row[0], row[2], row[3]) for row in held["client"]] == [
        ("h1", "Rui", None), ("h2", "later", None), ("h3", "n", "21"),
    ]  # fmt: skip
    assert [row[0:3:2] for row in held["agenda"]] == [("a1", "c2"), ("a1", "c2")]
    assert [row[:2] for row in held["dispatch"]] == [("c2", "d1")]
    assert held["passive_contact"] == []
    assert reasons(former) == [
        ("agenda", "company_id", "parent_changed"),
        *[("client", None, "duplicate_version")] * 4,
        ("passive_contact", "agenda_id", "company_mismatch"),
    ]


def test_long_texts_are_cut_or_set_aside_with_what_needs_them(
    former: Database, tmp_path: Path
) -> None:
    long = "9" * 20_000
    with former.connect() as conn:
        number = deliver(conn)
        base = {name: list(rows) for name, rows in BASE.items()}
        base["campaign"] = [{**BASE["campaign"][0], "name": long}]
        base["chatbot_option"] = [{**BASE["chatbot_option"][0], "label": long}]
        store_delivery(conn, number, base)
        store(conn, number, "client", **{**BASE["client"][0], "client_id": "h2", "landline": long})
        store(conn, number, "client", **{**BASE["client"][0], "updated_at": LATER, "name": long})
        store(conn, number, "vehicle", **{**BASE["vehicle"][0], "vehicle_id": "v2", "plate": long})
        store(conn, number, "agenda", **agenda())
        store(conn, number, "agenda", **agenda("a2", client_id="h2"))
        store(conn, number, "agenda", **agenda(" "))
        for agenda_id in ("a1", "a2"):
            store(
                conn, number, "dispatch", company_id="c1",
                **dispatch(f"d{agenda_id}", agenda_id=agenda_id, error_message=long),
            )  # fmt: skip
        client = dict.fromkeys(column_names(CLIENT)) | BASE["client"][0]
        too_long, fits = {"client_id": "h4", "name": long}, {"client_id": f"{'x' * 64}   "}
        for column, reason, changes in (
            ("name", "unknown_reference", too_long),
            ("client_id", "too_long", fits),
        ):
            conn.execute(
                "insert into raw.rejected_row (delivery_id, table_name, file_name, line,"
                " column_name, reason, row_as_delivered)"
                " values (%s, 'client', 'client.csv', 10, %s, %s, %s)",
                [number, column, reason, Jsonb({**client, **changes})],
            )
    migrated(former)
    held = stored(former)
    assert [len(str(row[1])) for row in held["campaign"]] == [254]
    assert [len(str(row[2])) for row in held["chatbot_option"]] == [2_000]
    assert [row[0] for row in held["client"]] == ["h1"]
    assert [row[0] for row in held["agenda"]] == ["a1"]
    assert [(row[1], len(str(row[11]))) for row in held["dispatch"]] == [("da1", 2_000)]
    assert reasons(former) == [
        ("agenda", "agenda_id", "missing_key"),
        ("agenda", "client_id", "unknown_reference"),
        ("client", "client_id", "unknown_reference"),
        ("client", "landline", "too_long"),
        ("client", "name", "too_long"),
        ("client", "name", "unknown_reference"),
        ("dispatch", "agenda_id", "unknown_reference"),
        ("vehicle", "plate", "too_long"),
    ]
    # What was parked is looked at anew: one row is too long, the other is not any more.
    good = {**BASE["client"][0], "client_id": "h2"}
    load(former, tmp_path, {"client": [good]})
    held = stored(former)
    assert [row[0] for row in held["client"]] == ["h1", "h2", "x" * 64]
    assert [row[0] for row in held["agenda"]] == ["a1", "a2"]
    assert [row[1] for row in held["dispatch"]] == ["da1", "da2"]
    assert {reason for *_, reason in rejected(former)} == {"too_long", "missing_key"}


def test_the_database_refuses_what_is_longer(database: Database) -> None:
    with database.connect() as conn:
        bounds = dict(
            conn.execute(
                "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint"
                " where conname like '%\\_is\\_bounded'"
            ).fetchall()
        )
    longest = {"id": 64, "long_text": 2_000}
    for table in SOURCE_TABLES:
        for column in table.columns:
            if column.sql_type == "text":
                bound = f"(length({column.name}) <= {longest.get(column.kind, 254)})"
                assert bound in bounds[f"raw.{table.name}"]
