"""The demo delivery: valid to the last row, the same bytes again, every bucket, whole or not."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from orchestration.demo import DemoError, DemoNotWritten, write_demo
from orchestration.ingest.contract import (
    ID_LENGTH,
    SOURCE_TABLES,
    Column,
    Kind,
    SourceTable,
    source_table,
)
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.reading import publish
from tests.oracle.rows import SourceRows

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)  # Friday, 09:00 in São Paulo
HOURS = {
    "morning": AS_OF,
    "sunday_evening": datetime.fromisoformat("2026-11-22T19:30:00-03:00"),
    "just_after_midnight": datetime.fromisoformat("2026-11-23T00:00:30-03:00"),
    "new_year_with_a_fraction": datetime.fromisoformat("2027-01-01T12:45:00.5-03:00"),
}
BUCKETS = {
    "active": {"sent", "opted_out", "invalid_phone", "other"},
    "no_show": {"manual", "automatic"},
    "passive": {
        "booking_registered",
        "booking_unregistered",
        "service_orders",
        "other_registered",
        "other_unregistered",
    },
    "refused": {*(f"L{number:02d}" for number in range(1, 8)), "unspecified"},
    "booked": {"arrived", "confirmed", "to_confirm", "unattended"},
    "call_requested": {"call_requested"},
    "no_reply": {"1", "2", "3+"},
    "replied": {"unfinished_booking", "other"},
}
CAUSES = {
    *("not_queued", "queued", "no_whatsapp", "recipient_limit", "opted_out_whatsapp"),
    *("transient", "rate_limit", "account", "template", "unknown_error"),
}
CALLS = {
    *(("call_requested", None), ("no_reply", None)),
    *(("not_sent", detail) for detail in ("opted_out", "invalid_phone", "other")),
}
CALL_STATES = {
    *("done", "do_not_call", "exhausted", "call_back", "resting", "client_messaged", "listed"),
}
WAIT_REASONS = {
    *("awaiting_reply", "dispatch_grace"),
    *("call_back", "resting", "client_messaged", "on_other_list"),
}
DETAILS = {"future", "not_needed", "recipient", "in_grace", "failure"}
HINTS = {"vehicle_inactive", "vehicle_booked", "vehicle_refused", "shared_number"}

Delivery = dict[str, list[dict[str, str]]]


def read(folder: Path) -> Delivery:
    """Every file's rows; a row must have as many fields as the header."""
    delivery: Delivery = {}
    for table in SOURCE_TABLES:
        with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            assert rows.fieldnames == [column.name for column in table.columns]
            delivery[table.name] = list(rows)
    return delivery


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    assert instant.tzinfo is not None
    return instant


CAST: dict[Kind, Callable[[str], object]] = {
    "id": str,
    "text": str,
    "long_text": str,
    "timestamp": _instant,
    "date": date.fromisoformat,
    "boolean": {"true": True, "false": False}.__getitem__,
    "hours": Decimal,
    "whole": int,
    "timezone": lambda text: ZoneInfo(text).key,
}


def source_rows(delivery: Delivery) -> SourceRows:
    """The delivery as the plain reading takes it."""
    rows = SourceRows()
    row_types = get_type_hints(SourceRows)
    for table in SOURCE_TABLES:
        row_type = row_types[table.name].__args__[0]
        casts = [(field.name, CAST[table.column(field.name).kind]) for field in fields(row_type)]
        getattr(rows, table.name).extend(
            row_type(**{name: cast(row[name]) if row[name] else None for name, cast in casts})
            for row in delivery[table.name]
        )
    return rows


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default demo."""
    folder = tmp_path_factory.mktemp("demo") / "default"
    write_demo(folder, as_of=AS_OF)
    return folder


@pytest.fixture(scope="module")
def delivery(demo: Path) -> Delivery:
    return read(demo)


@pytest.fixture(scope="module")
def published(delivery: Delivery) -> dict[str, list[dict[str, object]]]:
    return publish(source_rows(delivery), AS_OF, KNOWN_ERRORS)


def assert_value(column: Column, text: str) -> None:
    """A value that the contract takes (R2)."""
    if not text:
        assert column.nullable, f"{column.name} is empty"
        return
    value = CAST[column.kind](text)
    if column.kind == "id":
        assert len(text) <= ID_LENGTH
    if column.codes:
        assert text in column.codes
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        assert column.minimum is None or value >= column.minimum
        assert column.above is None or value > column.above
        assert column.maximum is None or value <= column.maximum


@pytest.mark.parametrize("table", SOURCE_TABLES, ids=lambda table: table.name)
def test_every_value_casts_and_every_reference_is_there(
    table: SourceTable, delivery: Delivery
) -> None:
    rows = delivery[table.name]
    assert rows
    for column in table.columns:
        values = {row[column.name] for row in rows}
        for value in values:
            assert_value(column, value)
        if column.references:
            key = source_table(column.references).key[0]
            assert values - {""} <= {row[key] for row in delivery[column.references]}


@pytest.mark.parametrize("table", SOURCE_TABLES, ids=lambda table: table.name)
def test_no_version_comes_twice_and_none_changes_its_parent(
    table: SourceTable, delivery: Delivery
) -> None:
    rows = delivery[table.name]
    key = [*table.key, *(["updated_at"] if table.kind == "entity" else [])]
    assert len({tuple(row[name] for name in key) for row in rows}) == len(rows)
    for name in table.unique:
        assert len({row[name] for row in rows}) == len(rows)
    if table.parent:
        parents = {(row[table.key[0]], row[table.parent]) for row in rows}
        assert len(parents) == len({row[table.key[0]] for row in rows})


def test_a_passive_contact_belongs_to_the_company_of_its_agenda_and_booking(
    delivery: Delivery,
) -> None:
    company_of = {row["agenda_id"]: row["company_id"] for row in delivery["agenda"]}
    agenda_of = {row["booking_id"]: row["agenda_id"] for row in delivery["booking"]}
    for row in delivery["passive_contact"]:
        if row["agenda_id"]:
            assert company_of[row["agenda_id"]] == row["company_id"]
        if row["booking_id"]:
            assert company_of[agenda_of[row["booking_id"]]] == row["company_id"]


def test_a_loss_reason_goes_with_a_refusal_only(delivery: Delivery) -> None:
    reasons = [row for row in delivery["chatbot_option"] if row["loss_reason_id"]]
    assert {row["action"] for row in reasons} == {"refuse"}
    assert {row["action"] for row in delivery["chatbot_option"]} == set(
        source_table("chatbot_option").column("action").codes
    )


@pytest.mark.parametrize("table", ["dispatch", "booking", "reply", "agenda", "call_attempt"])
def test_only_plans_lie_in_the_future(table: str, delivery: Delivery) -> None:
    instants = [
        column.name
        for column in source_table(table).columns
        if column.kind == "timestamp" and column.name not in {"scheduled_for", "call_back_at"}
    ]
    latest = max(_instant(row[name]) for row in delivery[table] for name in instants if row[name])
    assert latest <= AS_OF


def assert_everything_is_there(published: dict[str, list[dict[str, object]]]) -> None:
    totals = {(row["totalizer"], row["bucket"]) for row in published["totalizer"]}
    assert totals == {(name, bucket) for name, buckets in BUCKETS.items() for bucket in buckets}
    agendas = published["agenda_status"]
    assert {row["whatsapp_cause"] for row in agendas} == {*CAUSES, None}
    assert {(row["call_reason"], row["call_detail"]) for row in agendas} == {*CALLS, (None, None)}
    assert published["no_show_return"]
    assert {row["purpose"] for row in published["dispatch_due"]} == {"first_contact", "no_show"}
    alarms = {row["cause"] for row in published["sending_alarm"]}
    assert {"transient", "account"} <= alarms
    assert "nothing_sent" not in alarms
    contacts = published["passive_contact_status"]
    assert {row["is_ambiguous"] for row in contacts} == {True, False}
    outcomes = {row["outcome"] for row in published["phone_call"]}
    assert outcomes == set(source_table("call_attempt").column("outcome").codes) - {"void"}
    assert {row["call_state"] for row in agendas} == {*CALL_STATES, None}
    assert {row["other_detail"] for row in agendas} == {*DETAILS, None}
    assert {row["wait_reason"] for row in published["call_waiting"]} == WAIT_REASONS
    listed = published["call_list"]
    assert {row["priority"] for row in listed} == {0, 1, 2, 3, 4}
    assert {row["phone_kind"] for row in listed} == {"mobile", "landline", None}
    assert {hint for row in listed for hint in cast("list[str]", row["hints"])} == HINTS
    cards = Counter((row["company_id"], row["agent_id"], row["card"]) for row in listed)
    assert {2, 3} <= set(cards.values())
    assert {row["refused_by"] for row in published["call_done"]} == {"call", "flag", None}
    assert {row["calls_refused"] for row in published["passive_waiting"]} >= {False}


def test_the_default_demo_shows_every_bucket_reason_and_cause(
    published: dict[str, list[dict[str, object]]],
) -> None:
    assert_everything_is_there(published)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("as_of", HOURS.values(), ids=HOURS.keys())
def test_so_does_the_smallest_at_any_hour(tmp_path: Path, as_of: datetime, seed: int) -> None:
    write_demo(tmp_path / "demo", agendas=1_000, seed=seed, as_of=as_of)
    delivery = read(tmp_path / "demo")
    assert len({row["agenda_id"] for row in delivery["agenda"]}) == 1_000
    assert_everything_is_there(publish(source_rows(delivery), as_of, KNOWN_ERRORS))


def test_a_manager_believes_the_default_demo(
    delivery: Delivery, published: dict[str, list[dict[str, object]]]
) -> None:
    agendas = published["agenda_status"]
    assert len(agendas) == 20_000
    assert len({row["timezone"] for row in delivery["company"]}) >= 4
    messaged = {row["agenda_id"] for row in agendas if row["last_sent_at"]}
    agenda_of = {row["dispatch_id"]: row["agenda_id"] for row in delivery["dispatch"]}
    answered = {agenda_of[row["dispatch_id"]] for row in delivery["reply"]}
    assert 0.35 < len(answered & messaged) / len(messaged) < 0.45
    lists = Counter(row["agent_id"] for row in published["call_list"] if row["agent_id"])
    assert 10 < sum(lists.values()) / len(lists) < 40
    assert max(lists.values()) < 80
    alarm = [row["agenda_count"] for row in published["sending_alarm"]]
    assert 0 < sum(count for count in alarm if isinstance(count, int)) < 40


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    shifted = AS_OF.astimezone(ZoneInfo("Asia/Tokyo"))
    for name, seed, as_of in (("a", 3, AS_OF), ("b", 3, shifted), ("c", 4, AS_OF)):
        write_demo(tmp_path / name, agendas=1_000, seed=seed, as_of=as_of)
    bytes_of = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in "abc"
    }
    assert bytes_of["a"] == bytes_of["b"]
    assert bytes_of["a"]["client.csv"] != bytes_of["c"]["client.csv"]


def test_the_manifest_tells_the_truth(demo: Path, delivery: Delivery) -> None:
    manifest = json.loads((demo / "manifest.json").read_text(encoding="utf-8"))
    assert {file["name"] for file in manifest["files"]} == {f"{name}.csv" for name in delivery}
    for file in manifest["files"]:
        data = (demo / file["name"]).read_bytes()
        assert file["bytes"] == len(data)
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["rows"] == len(delivery[file["name"].removesuffix(".csv")])


def test_e_mails_reach_nobody(delivery: Delivery) -> None:
    addresses = {row["email"] for row in delivery["client"]} - {""}
    assert addresses
    assert all(address.endswith("@example.com") for address in addresses)


@pytest.mark.parametrize("agendas", [-1, 0, 999, 5_000_001])
def test_a_number_out_of_bounds_is_refused(tmp_path: Path, agendas: int) -> None:
    with pytest.raises(DemoError, match="between 1,000 and 5,000,000"):
        write_demo(tmp_path / "demo", agendas=agendas, as_of=AS_OF)
    assert not list(tmp_path.iterdir())


def test_an_instant_without_offset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="offset"):
        write_demo(tmp_path / "demo", as_of=AS_OF.replace(tzinfo=None))


def test_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    write_demo(folder, agendas=1_200, as_of=AS_OF)
    write_demo(folder, agendas=1_000, as_of=AS_OF)
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["agendas"] == 1_000
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]


def test_what_no_demo_wrote_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    write_demo(folder, agendas=1_000, as_of=AS_OF)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(DemoError, match=r"notes\.txt"):
        write_demo(folder, agendas=1_000, as_of=AS_OF)
    (folder / "manifest.json").write_text('{"generator": "another"}')
    with pytest.raises(DemoError, match="left as it was"):
        write_demo(folder, agendas=1_000, as_of=AS_OF)
    with pytest.raises(DemoError, match="is a file"):
        write_demo(folder / "notes.txt", agendas=1_000, as_of=AS_OF)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "agenda.csv").exists()


def test_a_demo_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    write_demo(folder, agendas=1_000, as_of=AS_OF)
    before = (folder / "agenda.csv").read_bytes()

    def stop(_written: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo(folder, agendas=4_000, as_of=AS_OF, on_progress=stop)
    assert (folder / "agenda.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoNotWritten, match="could not be written"):
        write_demo(tmp_path / "file" / "demo", agendas=1_000, as_of=AS_OF)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    write_demo(
        tmp_path / "demo",
        agendas=5_000,
        as_of=AS_OF,
        on_progress=told.append,
    )
    assert told[-1] == 5_000
    assert told == sorted(set(told))
