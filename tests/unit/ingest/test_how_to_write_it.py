"""A message that refuses a file says how to write it right; the state before stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery
from orchestration.ingest.sources.delivery import open_folder
from orchestration.postgres.database import Database
from tests.deliveries import BASE, Row, agenda, load, stored, write

CLIENT = "client_id;updated_at;name;accepts_messages\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("client.csv", f"sep=;\n{CLIENT}".encode(), "starts with sep=;.*\n.*Remove that line"),
        ("client.csv", f"\ufeffsep=,\r\n{CLIENT}".encode(), "starts with sep=,"),
        (
            "client.csv",
            CLIENT.encode("utf-16"),
            "is UTF-16, not utf-8.*\n.*set ATENDIMENTO_CSV_ENC",
        ),
        ("client.csv", "\ufeff".encode("utf-16-be") + CLIENT.encode("utf-16-be"), "is UTF-16"),
        ("client.csv", b"PK\x03\x04rest", "an Excel workbook.*\n.*save it as CSV UTF-8"),
        ("client.csv", b"\x1f\x8b\x08rest", "a gzip file.*\n.*Name it with .gz"),
        ("client.csv", b"PAR1rest", "a Parquet file.*\n.*Name it with .parquet"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    write(tmp_path, BASE)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeliveryRefused, match=f"{name}: .*{says}"):
        open_folder(tmp_path, "utf-8", 1 << 20)


def test_files_of_utf_16_are_read_where_the_settings_name_it(
    database: Database, tmp_path: Path
) -> None:
    write(tmp_path, BASE)
    for path in tmp_path.glob("*.csv"):
        path.write_text(path.read_text().replace("Rui", "Conceição"), encoding="utf-16")
    load_delivery(database, tmp_path, LoadSettings(csv_encoding="utf-16"))
    assert [row[2] for row in stored(database)["client"]] == ["Conceição"]


# By table: a value that does not fit, and what is said of it.
WRONG: dict[str, list[tuple[Row, str]]] = {
    "company": [
        ({"no_show_hours": "1,5"}, "no_show_hours: does_not_cast (1,5: write 1.5)"),
        ({"no_show_hours": "two"}, "does_not_cast (write 1.5, with a point)"),
        ({"no_reply_days": "4"}, "out_of_range (at least 1 and at most 3)"),
        ({"no_show_hours": "0"}, "out_of_range (more than 0 and at most 87,600)"),
        ({"timezone": "Brasília"}, "unknown_timezone (write a name such as America/Sao_Paulo)"),
    ],
    "campaign": [
        ({"active": "yes"}, "does_not_cast (write true or false, 1 or 0, S or N)"),
    ],
    "app_user": [
        ({"role": "boss"}, "unknown_code (write attendant or manager)"),
    ],
    "team": [
        ({"company_id": "7.0"}, "company_id: unknown_reference (7.0: write 7)"),
    ],
    "agenda": [
        ({"contact_date": "20/11/2026"}, "does_not_cast (20/11/2026: write 2026-11-20)"),
        ({"contact_date": "2026-11-20 10:00:00"}, "does_not_cast (write 2026-11-20)"),
        ({"created_at": "20/11/2026 09:00"}, "(write 2026-11-20T09:00:00-03:00, with seconds"),
        ({"client_id": "x" * 65}, "too_long (at most 64 characters)"),
    ],
}


@pytest.mark.parametrize("table", WRONG)
def test_values_that_do_not_fit(database: Database, tmp_path: Path, table: str) -> None:
    first = agenda() if table == "agenda" else BASE[table][0]
    rows = {**BASE, table: [{**first, **wrong} for wrong, _ in WRONG[table]]}
    with pytest.raises(DeliveryRefused) as refused:
        load(database, tmp_path, rows, LoadSettings())
    for line, (_, says) in enumerate(WRONG[table], start=2):
        assert re.search(rf"line {line}: .*{re.escape(says)}", str(refused.value))


def test_rows_without_their_last_fields(database: Database, tmp_path: Path) -> None:
    """Excel leaves out the delimiters of empty fields at the end of a row."""
    lines = (write(tmp_path, {**BASE, "agenda": [agenda()]}) / "agenda.csv").read_text()
    (tmp_path / "agenda.csv").write_text(lines.rstrip("\n").removesuffix(",") + "\n")
    with pytest.raises(DeliveryRefused) as refused:
        load_delivery(database, tmp_path, LoadSettings())
    assert "line 2: wrong_number_of_fields (the header has 12 columns: write the delimiter" in str(
        refused.value
    )


def test_personal_data_are_not_quoted(database: Database, tmp_path: Path) -> None:
    bad = {**BASE["client"][0], "updated_at": "Rui 11 98765-4321", "accepts_messages": "Joana"}
    with pytest.raises(DeliveryRefused) as refused:
        load(database, tmp_path, {**BASE, "client": [bad]}, LoadSettings())
    assert not any(word in str(refused.value) for word in ("Rui", "98765", "Joana"))
