"""A delivery as files: what is read, what is noticed, and each message of a refusal."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery, source_label
from orchestration.ingest.sources.postgres_schema import split_url
from orchestration.postgres import locks
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate
from tests.deliveries import (
    AT,
    BASE,
    LATER,
    LENIENT,
    agenda,
    load,
    passive,
    rejected,
    stored,
    write,
)

UNCHANGED = "Nothing was loaded; the state before stays."


def refusal(database: Database, source: Path | str, settings: LoadSettings = LENIENT) -> str:
    """The message of a load that must be refused, and change nothing."""
    with pytest.raises(DeliveryRefused) as caught:
        load_delivery(database, source, settings)
    message = str(caught.value)
    assert UNCHANGED in message
    with database.connect() as conn:
        last = "select status, message from ops.delivery order by delivery_id desc limit 1"
        assert conn.execute(last).fetchone() == ("refused", message)
        assert conn.execute("select count(*) from raw.company").fetchone() == (0,)
        left = "select count(*) from pg_tables where schemaname = 'load_staging'"
        assert conn.execute(left).fetchone() == (0,)
    return message


def agenda_bytes(*lines: bytes) -> bytes:
    header = (
        b"agenda_id,updated_at,company_id,client_id,event_type_id,origin,contact_date,created_at"
    )
    return b"\n".join((header, *lines)) + b"\n"


GOOD_LINE = f"a1,{AT},c1,h1,e1,active,2026-11-20,{AT}".encode()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("agenda.csv", b"", "agenda.csv: the file is empty, without even a header"),
        ("agenda.csv", b"agenda_id,updated_at\n", "agenda.csv: the required columns company_id, "),
        (
            "agenda.csv",
            agenda_bytes().replace(b",origin", b""),
            "agenda.csv: the required column origin is missing",
        ),
        (
            "agenda.csv",
            agenda_bytes().replace(b"\n", b",origin\n"),
            "agenda.csv: the header has the column origin twice",
        ),
        ("agenda.csv", bytes(range(256)) * 9, "agenda.csv: this is not a CSV file"),
        ("agenda.csv", "ação,é\n".encode("cp1252"), "agenda.csv, line 1: the bytes are not utf-8"),
        (
            "agenda.csv",
            agenda_bytes(GOOD_LINE, "ã".encode("cp1252") + GOOD_LINE),
            "agenda.csv, line 3: the bytes are not utf-8",
        ),
        (
            "agenda.csv",
            agenda_bytes(GOOD_LINE, b'"' + GOOD_LINE, GOOD_LINE),
            "agenda.csv, line 3: a quote that opens there is never closed",
        ),
        (
            "agenda.csv",
            agenda_bytes(b'"' + GOOD_LINE, b'"' + GOOD_LINE + b'"'),
            "agenda.csv, line 2: a quote that opens there is not closed (see line 3)",
        ),
        (
            "agenda.csv.gz",
            gzip.compress(agenda_bytes(*[GOOD_LINE + str(n).encode() for n in range(9999)]))[:-200],
            "agenda.csv.gz: the gzip file is cut off",
        ),
        ("agenda.csv.gz", b"plain", "agenda.csv.gz: this is not a gzip file"),
        ("agenda.parquet", b"PAR1 no", "agenda.parquet: the file cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_refuses_the_delivery(
    database: Database, tmp_path: Path, name: str, content: bytes, expected: str
):
    write(tmp_path, {table: rows for table, rows in BASE.items() if table != "agenda"})
    (tmp_path / name).write_bytes(content)
    assert expected in refusal(database, tmp_path)


def test_folders_that_hold_no_delivery(database: Database, tmp_path: Path):
    assert "does not exist" in refusal(database, tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "is no folder" in refusal(database, tmp_path / "file")
    (tmp_path / "manifest.json").touch()
    assert "is empty: it holds no file" in refusal(database, tmp_path)
    write(tmp_path, BASE)
    (tmp_path / "agenda.parquet").touch()
    message = refusal(database, tmp_path)
    assert "is ambiguous: it holds agenda.csv and agenda.parquet" in message
    (tmp_path / "agenda.parquet").unlink()
    (tmp_path / "agenda.csv").unlink()
    (tmp_path / "agenda.csv").mkdir()
    assert "agenda.csv: the file cannot be read" in refusal(database, tmp_path)
    (tmp_path / "agenda.csv").rmdir()
    (tmp_path / "team.csv").unlink()
    message = refusal(database, tmp_path)
    assert "is the first, and does not hold team, agenda" in message
    assert "ATENDIMENTO_CSV_ENCODING" in refusal(database, tmp_path, LoadSettings(0.05, "klingon"))


def test_too_many_rejected_rows_refuse_the_delivery(database: Database, tmp_path: Path):
    rows = [agenda(f"a{n}") for n in range(18)] + [
        agenda("x1", origin="Joana"),
        agenda("x2", contact_date="amanhã"),
    ]
    write(tmp_path, {**BASE, "agenda": rows})
    message = refusal(database, tmp_path, LoadSettings())
    assert (
        "agenda.csv (table agenda): 2 of 20 rows are rejected, 10.0%; the limit is 5.0%" in message
    )
    assert "does_not_cast 1" in message
    assert "line 20: origin: unknown_code" in message
    assert "Joana" not in message
    parked = [agenda(f"a{n}", client_id="later") for n in range(20)]
    loaded = load(database, tmp_path, {**BASE, "agenda": parked}, LoadSettings())
    assert loaded.rejected_by_reason == {("agenda", "unknown_reference"): 20}
    load(database, tmp_path / "2", {"agenda": [*rows[:18], rows[18]]}, LoadSettings(1 / 19))


def test_what_is_noticed_and_goes_on(database: Database, tmp_path: Path):
    write(tmp_path, BASE)
    (tmp_path / "README.txt").write_text("not a table")
    (tmp_path / "invoices.csv").write_text("a,b\n")
    (tmp_path / "agenda.csv").write_bytes(
        agenda_bytes(GOOD_LINE).replace(b"agenda_id", b"extra,agenda_id").replace(b"a1", b"e,a1")
    )
    loaded = load_delivery(database, tmp_path, LoadSettings())
    assert set(loaded.notices) == {
        "agenda.csv: the column extra is not in the contract and was ignored.",
        "agenda.csv: the column vehicle_id is missing and was read as empty.",
        "agenda.csv: the column team_id is missing and was read as empty.",
        "agenda.csv: the column agent_id is missing and was read as empty.",
        "agenda.csv: the column closed_at is missing and was read as empty.",
        "README.txt: no file of that name is read; it was ignored.",
        "invoices.csv: no file of that name is read; it was ignored.",
    }
    assert len(stored(database)["agenda"]) == 1


def test_files_of_other_names_are_told(database: Database, tmp_path: Path):
    load(database, tmp_path / "first", BASE)
    write(tmp_path / "next", {"client": []})
    for name in ("agenda.CSV", "agenda.csv.zip", "whatsapp_events.JSONL", ".agenda.csv.rsync"):
        (tmp_path / "next" / name).touch()
    assert load_delivery(database, tmp_path / "next", LENIENT).notices == (
        "agenda.CSV: no file of that name is read; it was ignored.",
        "agenda.csv.zip: no file of that name is read; it was ignored.",
        "whatsapp_events.JSONL: no file of that name is read; it was ignored.",
    )
    for number in range(30):
        (tmp_path / "next" / f"{number}.pdf").touch()
    notices = load_delivery(database, tmp_path / "next", LENIENT).notices
    assert len(notices) == 21
    assert notices[-1] == "13 more files were ignored."


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";"])
def test_the_ways_a_csv_file_may_be_written(
    database: Database, tmp_path: Path, mark: bytes, end: bytes, delimiter: bytes
):
    write(tmp_path, BASE)
    lines = [b'"client_id",updated_at,name,accepts_messages', f"h1,{AT},João,S".encode()]
    content = mark + end.join(line.replace(b",", delimiter) for line in lines)
    (tmp_path / "client.csv").unlink()
    (tmp_path / "client.csv.gz").write_bytes(gzip.compress(content))
    load_delivery(database, tmp_path, LoadSettings())
    assert [row[2] for row in stored(database)["client"]] == ["João"]


@pytest.mark.parametrize("row_by_row", [False, True])
def test_a_file_of_another_encoding(database: Database, tmp_path: Path, row_by_row: bool):
    write(tmp_path, {**BASE, "campaign": [{"campaign_id": "p1", "name": "x", "active": "1"}]})
    content = f"client_id,updated_at,name,accepts_messages\nh1,{AT},João “€”,S\n".encode("cp1252")
    (tmp_path / "client.csv").write_bytes(content)
    load_delivery(database, tmp_path, LoadSettings(0.05, "cp1252", row_by_row))
    assert [row[2] for row in stored(database)["client"]] == ["João “€”"]
    (tmp_path / "client.csv").write_bytes(content + b"h2,\x81")
    with pytest.raises(DeliveryRefused, match="line 3: the bytes are not cp1252"):
        load_delivery(database, tmp_path, LoadSettings(0.05, "cp1252"))


def test_parquet_holds_the_same_rows_as_csv(database: Database, tmp_path: Path):
    from datetime import date

    import pyarrow as pa
    import pyarrow.parquet as pq

    write(tmp_path, BASE)
    (tmp_path / "agenda.csv").unlink()
    noon = datetime(2026, 11, 20, 12, 0, 0, 500000, tzinfo=UTC)
    table = pa.table(
        {
            "agenda_id": ["a1", "a2"],
            "updated_at": pa.array([noon, noon], pa.timestamp("ns", "America/Sao_Paulo")),
            "company_id": pa.array(["c1", "c1"]).dictionary_encode(),
            "client_id": ["h1", None],
            "event_type_id": ["e1", "e1"],
            "origin": ["active", 'pass"ive'],
            "contact_date": [date(2026, 11, 20)] * 2,
            "created_at": pa.array([noon, noon], pa.timestamp("us", "UTC")),
            "closed_at": pa.array([None, None], pa.timestamp("us")),
        }
    )
    pq.write_table(table, tmp_path / "agenda.parquet")
    load_delivery(database, tmp_path, LENIENT)
    (row,) = stored(database)["agenda"]
    assert (row[1], row[9]) == (noon, date(2026, 11, 20))
    assert rejected(database) == [("agenda", 2, "origin", "unknown_code")]
    naive = table.set_column(7, "created_at", pa.array([noon.replace(tzinfo=None)] * 2))
    pq.write_table(naive, tmp_path / "agenda.parquet")
    load_delivery(database, tmp_path, LENIENT)
    assert ("agenda", 1, "created_at", "does_not_cast") in rejected(database)


def test_times_finer_than_a_microsecond_are_the_same_from_csv_and_parquet(
    database: Database, tmp_path: Path
):
    """R1: the same version delivered again changes nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = agenda(updated_at="2026-11-20T12:00:00.123456789Z")
    load(database, tmp_path / "csv", {**BASE, "agenda": [row]})
    columns = {name: [value] for name, value in row.items()}
    nanoseconds = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 10**9 + 123_456_789
    columns["updated_at"] = pa.array([nanoseconds], pa.timestamp("ns", "UTC"))
    (tmp_path / "parquet").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "parquet" / "agenda.parquet")
    load_delivery(database, tmp_path / "parquet", LENIENT)
    assert len(stored(database)["agenda"]) == 1


def test_text_that_is_none_refuses_the_delivery(database: Database, tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    load(database, tmp_path / "csv", BASE)
    columns = {name: [value] for name, value in agenda().items()}
    columns["client_id"] = pa.array([b"h\xff"], pa.binary()).view(pa.string())
    (tmp_path / "parquet").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "parquet" / "agenda.parquet")
    for how in (LENIENT, replace(LENIENT, row_by_row=True)):
        with pytest.raises(DeliveryRefused, match=r"agenda\.parquet"):
            load_delivery(database, tmp_path / "parquet", how)


def test_unknown_columns_are_ignored_whatever_they_are(database: Database, tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    load(database, tmp_path / "first", BASE)
    bad = agenda("a2", origin="nobody")
    lines = write(tmp_path / "csv", {"agenda": [agenda(), bad]}) / "agenda.csv"
    header, *rows = lines.read_text().splitlines()
    lines.write_text("\n".join((f"{header},,,x,x", *(f"{row},,9,,y" for row in rows))))
    assert load_delivery(database, tmp_path / "csv", LENIENT).notices == (
        "agenda.csv: the column without a name is not in the contract and was ignored.",
        "agenda.csv: the column without a name is not in the contract and was ignored.",
        "agenda.csv: the column x is not in the contract and was ignored.",
        "agenda.csv: the column x is not in the contract and was ignored.",
    )
    with database.connect() as conn:
        ((kept,),) = conn.execute("select row_as_delivered from raw.rejected_row").fetchall()
    assert kept.keys() == set(header.split(",")), "nothing is stored that the contract lacks"

    names = ",".join(f"x{at}" for at in range(1700))
    values = ",".join("value" for _ in range(1700))
    lines.write_text(f"{header},{names}\n{rows[0].replace('a1', 'a3')},{values}\n")
    notices = load_delivery(database, tmp_path / "csv", LENIENT).notices
    assert len(notices) == 21
    assert notices[-1] == (
        "agenda.csv: 1,680 more columns are not in the contract and were ignored."
    )

    columns = {name: pa.array([value]) for name, value in agenda("a4").items()}
    columns["tags"] = pa.array([["Joana", "Rui"]])
    columns["extra"] = pa.array([{"agenda_id": "a5"}])
    columns["photo"] = pa.array([b"\xff\xfe"])
    doubled = pa.Table.from_arrays(
        [*columns.values(), pa.array([1]), pa.array([2])], [*columns, "y", "y"]
    )
    (tmp_path / "parquet").mkdir()
    pq.write_table(doubled, tmp_path / "parquet" / "agenda.parquet")
    notices = load_delivery(database, tmp_path / "parquet", LENIENT).notices
    assert "agenda.parquet: the column tags is not in the contract and was ignored." in notices
    assert [row[0] for row in stored(database)["agenda"]] == ["a1", "a3", "a4"]


def test_numbers_of_a_parquet_file_are_written_in_full(database: Database, tmp_path: Path):
    from decimal import Decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    load(database, tmp_path / "first", BASE)
    doubles = [5511987654321.0, 10.0, None, 2.5, 1e22, -3.0, 1e-7, 2.0**53]
    decimals = [Decimal(text) for text in ("10.00", "1933334444", "0.50", "0.0000000001")]
    texts = {
        "whatsapp_number": pa.array(doubles, pa.float64()),
        "agenda_id": pa.array([*decimals, *[None] * 4], pa.decimal128(30, 10)),
        "booking_id": pa.array([10.0, 0.5, *[None] * 6], pa.float32()),
    }
    rows = [passive(f"w{at}") for at in range(8)]
    (tmp_path / "parquet").mkdir()
    pq.write_table(
        pa.table({name: [row[name] for row in rows] for name in rows[0]} | texts),
        tmp_path / "parquet" / "passive_contact.parquet",
    )
    load_delivery(database, tmp_path / "parquet", LENIENT)
    with database.connect() as conn:
        said = "select array_agg(row_as_delivered ->> %s order by line) from raw.rejected_row"
        delivered = [conn.execute(said, [name]).fetchone() for name in texts]
        plain = conn.execute("select whatsapp_number from raw.passive_contact order by contact_id")
        numbers = [row[0] for row in plain.fetchall()]
    assert [(found or ([],))[0][:4] for found in delivered[1:]] == [
        ["10", "1933334444", "0.5", "0.0000000001"],
        ["10", "0.5", None, None],
    ]
    assert (delivered[0] or ([],))[0] + numbers == [
        "5511987654321", "10", None, "2.5", "10000000000000000000000", "-3", "0.0000001",
        "9007199254740992",
    ]  # fmt: skip


def test_a_schema_of_a_source_postgresql(database: Database, tmp_path: Path):
    load(database, tmp_path, {**BASE, "agenda": [agenda()]})
    first = stored(database)
    with database.connect() as conn:
        conn.execute("create schema crm")
        for name in BASE:
            conn.execute(f"create table crm.{name} as table raw.{name}")
        conn.execute("insert into crm.agenda select * from crm.agenda")
        conn.execute("update crm.agenda set updated_at = %s, origin = 'active'", [LATER])
        conn.execute(
            "update crm.agenda set origin = 'passive' "
            "where ctid = (select max(ctid) from crm.agenda)"
        )
        conn.execute("drop schema raw, ops, history, access cascade")
        conn.commit()
        migrate(conn)
    url = f"postgresql://{database.parts.get('user', '')}@/{database.parts['dbname']}"
    url += f"?host={database.parts['host']}&port={database.parts.get('port', 5432)}&schema=crm"
    loaded = load_delivery(database, url, LENIENT)
    assert "crm.agenda: the column delivery_id is not in the contract and was ignored." in (
        loaded.notices
    )
    assert rejected(database) == [("agenda", 1, None, "duplicate_version")]
    assert [row[8] for row in stored(database)["agenda"]] == ["passive"], "the greater row stands"
    assert stored(database)["client"] == first["client"]
    assert source_label(url).endswith("schema crm")
    with pytest.raises(DeliveryRefused, match="schema nowhere is empty"):
        load_delivery(database, url.replace("=crm", "=nowhere"), LENIENT)


def test_types_of_a_source_postgresql_that_are_not_the_contracts(
    database: Database, tmp_path: Path
):
    load(database, tmp_path, BASE)
    with database.connect() as conn:
        conn.execute(
            """
            create schema crm;
            create table crm.client (
                client_id char(10), updated_at timestamptz, name text, accepts_messages boolean
            );
            create table crm.agenda (
                agenda_id int, updated_at timestamptz, company_id char(4), client_id numeric,
                event_type_id char(4), origin char(9), contact_date date, created_at timestamptz
            );
            insert into crm.client values ('9', now(), 'Rui', true), ('10', now(), 'Rui', true);
            insert into crm.agenda
            select 1, now(), 'c1', client_id::numeric, 'e1', 'active', now(), now() from crm.client
            """
        )
    url = f"postgresql://{database.parts.get('user', '')}@/{database.parts['dbname']}"
    url += f"?host={database.parts['host']}&port={database.parts.get('port', 5432)}&schema=crm"
    load_delivery(database, url, LENIENT)
    assert {row[0] for row in stored(database)["client"]} == {"h1", "9", "10"}, "no padding"
    assert rejected(database) == [("agenda", 1, None, "duplicate_version")]
    assert [row[3] for row in stored(database)["agenda"]] == ["9"], "the greater text stands"


def test_numbers_of_a_source_postgresql_come_without_its_zeros(database: Database, tmp_path: Path):
    load(database, tmp_path, BASE)
    with database.connect() as conn:
        conn.execute(
            """
            create schema crm;
            create table crm.company as
            select company_id, name, 2::numeric(3, 1) as no_reply_days, 1.50::numeric(4, 2)
                as no_show_hours from raw.company;
            """
        )
    url = f"postgresql://{database.parts.get('user', '')}@/{database.parts['dbname']}"
    url += f"?host={database.parts['host']}&port={database.parts.get('port', 5432)}&schema=crm"
    load_delivery(database, url, LENIENT)
    with database.connect() as conn:
        found = conn.execute("select distinct no_reply_days, no_show_hours from raw.company")
        assert [(days, float(hours)) for days, hours in found] == [(2, 1.5)]


def test_our_own_parameter_of_a_source_url_is_taken_out():
    database, schema = split_url("postgresql://u:p%20w@h:1/db?schema=crm&options=-c%20x%3D1")
    assert schema == "crm"
    assert database.parts["options"] == "-c x=1"
    assert "p w" not in source_label("postgresql://u:p%20w@h:1/db?schema=crm")
    assert split_url("postgres://h/db")[1] == "public"
    database, schema = split_url("postgresql://u:p#[w@[::1]:1/db?password=a+b&schema=crm%20x")
    assert (database.parts["password"], database.parts["host"], schema) == ("a+b", "::1", "crm x")


def test_one_load_at_a_time(database: Database, tmp_path: Path):
    load(database, tmp_path, BASE)
    with database.connect() as conn:
        conn.execute("select pg_advisory_lock(%s)", [locks.LOAD])
        with pytest.raises(DeliveryRefused, match="Another load is in progress"):
            load_delivery(database, tmp_path, LENIENT)


def test_what_a_killed_load_left_behind_is_cleared(database: Database, tmp_path: Path):
    with database.connect() as conn:
        conn.execute("create schema load_staging; create table load_staging.agenda (x int)")
    load(database, tmp_path, {**BASE, "agenda": [agenda()]})
    assert len(stored(database)["agenda"]) == 1


def test_progress_is_told_in_the_callers_thread(database: Database, tmp_path: Path):
    seen = {}
    write(tmp_path, BASE)
    load_delivery(database, tmp_path, LENIENT, on_progress=seen.__setitem__)
    assert seen["client"] == 1


def test_an_error_of_the_database_quotes_no_value(database: Database):
    from orchestration.ingest.errors import database_failed

    with database.connect() as conn:
        with pytest.raises(psycopg.Error) as caught:
            conn.execute("select 'Joana'::integer")
        assert "Joana" not in str(database_failed(caught.value))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://reader:pa%ss@crm/x", "cannot be read"),
        ("postgresql://reader:se/secret@crm/x?schema=export", "percent-encoded"),
        ("postgresql://reader:12/secret@crm/x", "percent-encoded"),
        ("postgresql://reader:12?secret@crm/x?schema=export", "percent-encoded"),
        ("postgresql://crm:9?user=reader&password=pass@secret", "percent-encoded"),
        ("postgresql://reader:secret#[@127.0.0.1:9/crm?schema=export", "cannot be used"),
        ("mysql://reader:secret@crm/x", "unknown kind"),
        ("postgresql://reader:secret@127.0.0.1:9/crm", "The source cannot be used"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_without_its_password(
    database: Database, url: str, says: str
) -> None:
    with pytest.raises(DeliveryRefused, match=says) as refusal:
        load_delivery(database, url, LoadSettings())
    with database.connect() as conn:
        kept = str(conn.execute("select source, message from ops.delivery").fetchall())
    for told in (str(refusal.value), kept):
        assert "secret" not in told
        assert "pa%ss" not in told
        assert "ATENDIMENTO_DATABASE_URL" not in told
