"""Small deliveries that failed, kept beside the checkout, and what is right for each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from model_queries import rows_of

from orchestration.ingest.load import DeliveryRefused, LoadResult, LoadSettings, load_delivery
from orchestration.postgres.database import Database
from tests.deliveries import rejected, stored

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
AS_OF = "2026-11-20T15:00:00-03:00"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the checkout")


def with_events(folder: Path, events: str) -> Path:
    """The whole delivery, with WhatsApp events."""
    shutil.copytree(CASES / "base", folder)
    shutil.copyfile(CASES / events, folder / "whatsapp_events.jsonl")
    return folder


def of_events(loaded: LoadResult) -> tuple[int, int, int, str]:
    """Events read, new and kept aside, and what is told of them."""
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    (told,) = (notice for notice in loaded.notices if "WhatsApp events" in notice)
    return events.read, events.new, events.rejected, told


def accepts(database: Database, client: str) -> object:
    consents = rows_of(database, "int_client__consent", AS_OF)
    return next(accepts for found, accepts, *_ in consents if found == client)


def test_09_a_user_id_is_no_phone_number(database: Database, tmp_path: Path) -> None:
    delivery = with_events(tmp_path / "d", "09_bsuid_taken_for_a_phone/stop.jsonl")
    loaded = load_delivery(database, delivery, LoadSettings())
    *counts, told = of_events(loaded)
    assert counts == [1, 0, 1]
    assert "user_preferences/stop/without_number (of a user id, which is no phone number)" in told
    assert accepts(database, "1006") is True
    # Stored by a version that took it for a number.
    with database.connect() as conn:
        conn.execute(
            "insert into raw.whatsapp_preference select 'BR.11a98b0000c005', %s, 'stop',"
            " max(delivery_id) from ops.delivery",
            [AS_OF],
        )
    assert accepts(database, "1006") is True


def test_10_uuids_are_text_of_the_usual_form(database: Database) -> None:
    load_delivery(database, CASES / "10_parquet_uuid" / "delivery", LoadSettings())
    ids = {row[0] for row in stored(database)["agenda"]}
    assert len(ids) == 80
    assert all(re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(id_)) for id_ in ids)
    assert rejected(database) == []


def test_12_a_click_that_belongs_to_no_message(database: Database, tmp_path: Path) -> None:
    delivery = with_events(tmp_path / "d", "12_click_without_context/click.jsonl")
    *counts, told = of_events(load_delivery(database, delivery, LoadSettings()))
    assert counts == [1, 0, 1]
    assert "1 messages/button/without_context (a click that belongs to no message)" in told


def test_13_dates_at_midnight(database: Database) -> None:
    load_delivery(database, CASES / "base", LoadSettings())
    before = stored(database)
    load_delivery(database, CASES / "13_date_at_midnight" / "delivery", LoadSettings())
    assert stored(database) == before
    assert rejected(database) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("comma", "company.csv, line 2: no_show_hours: does_not_cast (1,5: write 1.5)"),
        ("short_rows", "write the delimiter of an empty field at the end of a row too"),
        ("sep_line", "Remove that line"),
        ("utf16", "set ATENDIMENTO_CSV_ENCODING=utf-16"),
    ],
)
def test_14_files_of_excel_are_refused_and_say_what_to_write(
    database: Database, name: str, says: str
) -> None:
    before = stored(database)
    with pytest.raises(DeliveryRefused) as refused:
        load_delivery(database, CASES / "14_excel_files" / name, LoadSettings())
    assert says in str(refused.value)
    assert stored(database) == before
