"""WhatsApp's events stored once, and what the models make of them at an instant.

The delivery is `tests/deliveries.py`'s; times are of 20/11/2026, UTC, where only hours are given.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from deliveries import (
    BASE,
    LENIENT,
    agenda,
    dispatch,
    load,
    passive,
    rejected,
    reply,
    stored,
    write,
)
from model_queries import rows_of
from whatsapp_payloads import NUMBER, body, click, preference, receive, spooled, status

from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool
from orchestration.postgres.database import Database

CLIENT = BASE["client"][0]


def at(time: str) -> str:
    """An instant of the day."""
    return f"2026-11-20T{time}+00:00"


# The message is queued at 10:00 and not heard of since.
QUEUED = dispatch(updated_at=at("10:00:00"), queued_at=at("10:00:00"))
FIRST = {**BASE, "agenda": [agenda()], "dispatch": [QUEUED]}


def dispatch_at(database: Database, time: str) -> tuple[object, ...]:
    """Of the one message, at that time: when sent, delivered, read, failed, and its error code."""
    ((_, _, _, _, _, *known),) = rows_of(database, "stg_dispatch", at(time))
    return tuple(known)


def replies(database: Database, time: str = "23:59:59") -> list[tuple[object, ...]]:
    """Of each reply, at that time: its id, message, option and time."""
    return [row[1:] for row in rows_of(database, "stg_reply", at(time))]


def accepting(database: Database, time: str) -> set[object]:
    """Who accepts messages at that time."""
    consents = rows_of(database, "int_client__consent", at(time))
    return {client for client, accepts, *_ in consents if accepts}


def counted(database: Database, table: str) -> int:
    with database.connect() as conn:
        return conn.execute(f"select count(*) from raw.{table}".encode()).fetchone()[0]  # type: ignore[index]


def unhandled(database: Database) -> dict[str, int]:
    with database.connect() as conn:
        return dict(
            conn.execute("select kind, count(*) from raw.whatsapp_unhandled group by 1").fetchall()
        )


def test_each_status_counts_from_its_time_and_the_delivered_row_stays(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    before = stored(database)
    statuses = [status("delivered", at("10:00:03")), status("sent", at("10:00:02"))]
    loaded = receive(database, tmp_path / "spool", body(statuses))
    assert stored(database) == before
    assert dispatch_at(database, "10:00:01") == (None, None, None, None, None)
    assert dispatch_at(database, "10:00:02") == ("10:00:02", None, None, None, None)
    assert dispatch_at(database, "10:00:03") == ("10:00:02", "10:00:03", None, None, None)
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    assert (events.read, events.new, events.known, events.parked) == (2, 2, 0, 0)


def test_the_same_payload_five_times_is_one_event(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    payload = body(
        [status("sent", at("10:00:02"))],
        [click("o1", at("11:00:00"))],
        [preference("stop", at("12:00:00"))],
    )
    receive(database, tmp_path / "spool", payload)
    loaded = receive(database, tmp_path / "spool", payload, payload, payload)
    receive(database, tmp_path / "spool", payload)
    for table in ("status", "reply", "preference"):
        assert counted(database, f"whatsapp_{table}") == 1
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    assert (events.read, events.new, events.known) == (9, 0, 9)


def test_a_failure_has_its_code_and_the_earliest_stands(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    failures = [
        status("failed", at("10:00:05"), errors=[{"code": 131049}]),
        status("failed", at("10:00:04"), errors=[{"code": 131026}]),
        status("failed", at("10:00:04"), errors=[{"code": 130472}]),
    ]
    receive(database, tmp_path / "spool", body(failures))
    assert dispatch_at(database, "10:00:05") == (None, None, None, "10:00:04", "130472")


def test_a_later_version_of_the_crm_is_seen_and_hides_no_event(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    receive(database, tmp_path / "spool", body([status("delivered", at("10:00:03"))]))
    later = {
        **QUEUED, "updated_at": at("10:30:00"), "sent_at": at("10:00:01"), "purpose": "no_show"
    }  # fmt: skip
    loaded = load(database, tmp_path / "2", {"dispatch": [later, QUEUED]})
    assert [(t.new, t.known, t.rejected) for t in loaded.tables] == [(1, 1, 0)]
    assert dispatch_at(database, "10:29:59") == (None, "10:00:03", None, None, None)
    assert dispatch_at(database, "10:30:00") == ("10:00:01", "10:00:03", None, None, None)
    ((_, _, _, purpose, *_),) = rows_of(database, "stg_dispatch", at("10:30:00"))
    assert purpose == "no_show"


def test_a_version_of_the_crm_at_the_very_time_of_an_event_has_both(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    receive(database, tmp_path / "spool", body([status("sent", at("10:00:02"))]))
    same_time = {**QUEUED, "updated_at": at("10:00:02"), "read_at": at("10:00:01")}
    load(database, tmp_path / "2", {"dispatch": [same_time]})
    assert rejected(database) == []
    assert dispatch_at(database, "10:00:02") == ("10:00:02", None, "10:00:01", None, None)


def test_another_row_of_a_version_is_still_a_duplicate(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    receive(database, tmp_path / "spool", body([status("sent", at("10:00:02"))]))
    before = stored(database)
    load(database, tmp_path / "2", {"dispatch": [{**QUEUED, "sent_at": at("10:00:02")}]})
    assert rejected(database) == [("dispatch", 2, None, "duplicate_version")]
    assert stored(database) == before


@pytest.mark.parametrize("row_by_row", [False, True])
def test_the_delivery_before_the_events_delivered_again_is_known(
    database: Database, tmp_path: Path, row_by_row: bool
) -> None:
    again = {**FIRST, "dispatch": [QUEUED, dispatch("d2")]}
    load(database, tmp_path / "1", again)
    receive(database, tmp_path / "spool", body([status("sent", at("10:00:02"))]))
    before = stored(database)
    how = LoadSettings(max_rejected_share=0, row_by_row=row_by_row)
    loaded = load(database, tmp_path / "2", again, how)
    assert [(t.new, t.known) for t in loaded.tables if t.table == "dispatch"] == [(0, 2)]
    assert stored(database) == before


def test_events_wait_for_their_dispatch_and_replies_for_their_option(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", BASE)
    payload = body(
        [status("sent", at("10:00:02"))],
        [click("o1", at("11:00:00")), click("o9", at("11:00:00"), own="wamid.r2")],
    )
    loaded = receive(database, tmp_path / "spool", payload)
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    assert (events.read, events.new, events.parked) == (3, 0, 3)
    assert replies(database) == []

    load(database, tmp_path / "2", {"agenda": [agenda()], "dispatch": [QUEUED]})
    assert dispatch_at(database, "10:00:02")[0] == "10:00:02"
    assert [row[0] for row in replies(database)] == ["wamid.r1"]

    more = {"option_id": "o9", "label": "Ligar", "action": "call_me"}
    load(database, tmp_path / "3", {"chatbot_option": [*BASE["chatbot_option"], more]})
    assert [(row[0], row[2]) for row in replies(database)] == [
        ("wamid.r1", "o1"),
        ("wamid.r2", "o9"),
    ]


def test_an_option_of_a_reported_reply_cannot_be_dropped(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    other = {"option_id": "o9", "label": "Ligar", "action": "call_me"}
    without = {"chatbot_option": [other]}
    receive(database, tmp_path / "s", body(messages=[click("o1", at("11:00:00"), message="none")]))
    load(database, tmp_path / "2", without)
    load(database, tmp_path / "3", {"chatbot_option": [*BASE["chatbot_option"], other]})
    receive(database, tmp_path / "s", body(messages=[click("o1", at("11:00:00"))]))
    with pytest.raises(DeliveryRefused, match="option_id o1 is no longer there, but reply has"):
        load(database, tmp_path / "4", without)


def test_a_reply_is_given_at_the_time_of_the_click(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    long = "wamid." + "x" * 70
    receive(database, tmp_path / "s", body(messages=[click("o1", at("11:00:00"), own=long)]))
    assert replies(database, "10:59:59") == []
    ((reply_id, *given),) = replies(database, "11:00:00")
    assert given == ["d1", "o1", "11:00:00"]
    assert str(reply_id).startswith("sha256.")


def test_a_reply_that_the_contract_does_not_take_is_unhandled(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    clicks = [click("o" * 65, at("11:00:00"), own=f"wamid.{n}") for n in range(3)]
    loaded = receive(database, tmp_path / "spool", body(messages=clicks))
    assert loaded.rejected_by_reason == {}
    assert unhandled(database) == {"messages/interactive/button_reply/too_long": 3}


def replied(hour: str) -> dict[str, str]:
    """The click of 11:00 as the CRM knows it: a version of the same time, told otherwise."""
    return {**reply("wamid.r1", updated_at=at("11:00:00")), "replied_at": at(hour)}


@pytest.mark.parametrize("row_by_row", [False, True])
def test_a_click_told_by_both_is_what_the_crm_says_whichever_came_first(
    database: Database, tmp_path: Path, row_by_row: bool
) -> None:
    load(database, tmp_path / "1", FIRST)
    strict = LoadSettings(max_rejected_share=0, row_by_row=row_by_row)
    clicked = body(messages=[click("o1", at("11:00:00"))])
    receive(database, tmp_path / "spool", clicked)
    load(database, tmp_path / "2", {"reply": [replied("10:59:59")]}, strict)
    after = replies(database)
    receive(database, tmp_path / "spool", clicked)
    load(database, tmp_path / "3", {"reply": [replied("10:59:59")]}, strict)
    assert replies(database) == after == [("wamid.r1", "d1", "o1", "10:59:59")]
    load(database, tmp_path / "4", {"reply": [replied("10:59:58")]})
    assert rejected(database) == [("reply", 2, None, "duplicate_version")]
    assert replies(database) == after


def test_a_reply_belongs_to_the_dispatch_that_the_crm_names(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", {**FIRST, "dispatch": [QUEUED, dispatch("d2")]})
    receive(database, tmp_path / "spool", body(messages=[click("o1", at("11:00:00"))]))
    theirs = {**reply("wamid.r1", dispatch_id="d2"), "updated_at": at("12:00:00")}
    load(database, tmp_path / "2", {"reply": [theirs]}, LoadSettings(max_rejected_share=0))
    assert [row[1] for row in replies(database)] == ["d2"]


def test_a_preference_holds_for_the_number_from_then_on(database: Database, tmp_path: Path) -> None:
    sharing = [
        {**CLIENT, "client_id": name, "updated_at": at("09:00:00"), "ddd": "(11)", "mobile": mobile}
        for name, mobile in (("h1", "98765-4321"), ("h2", "8765 4321"), ("h3", "98765-4322"))
    ]
    load(database, tmp_path / "1", {**BASE, "client": sharing})
    told = [preference("stop", at("10:00:00")), preference("resume", at("11:00:00"))]
    receive(database, tmp_path / "spool", body(preferences=told))
    assert accepting(database, "09:59:59") == {"h1", "h2", "h3"}
    assert accepting(database, "10:00:00") == accepting(database, "10:59:59") == {"h3"}
    assert accepting(database, "11:00:00") == {"h1", "h2", "h3"}


def test_of_clients_with_one_number_the_crms_newest_is_taken_whatever_whatsapp_reports(
    database: Database, tmp_path: Path
) -> None:
    phone = {"ddd": "11", "mobile": "987654321"}
    newest = {**CLIENT, **phone, "client_id": "h1", "updated_at": at("09:30:00")}
    older = {**CLIENT, **phone, "client_id": "h2", "updated_at": at("09:00:00")}
    contact = passive(whatsapp_number=NUMBER, contacted_at=at("09:45:00"))
    load(
        database, tmp_path / "1", {**BASE, "client": [newest, older], "passive_contact": [contact]}
    )
    receive(database, tmp_path / "s", body(preferences=[preference("stop", at("10:00:00"))]))
    for time in ("09:59:59", "10:00:00"):
        assert rows_of(database, "int_passive_contact__client", at(time)) == [
            ("c1", "w1", "11987654321", "h1", True)
        ]


def test_resume_ends_a_stop_but_not_what_the_crm_was_told(
    database: Database, tmp_path: Path
) -> None:
    phone = {"ddd": "11", "mobile": "987654321"}
    first = {**CLIENT, **phone, "updated_at": at("09:00:00")}
    load(database, tmp_path / "1", {**BASE, "client": [first]})
    receive(database, tmp_path / "s", body(preferences=[preference("stop", at("10:00:00"))]))
    again = {**first, "updated_at": at("10:30:00"), "email": "x@y.z"}
    refused = {**first, "updated_at": at("11:00:00"), "accepts_messages": "false"}
    load(database, tmp_path / "2", {"client": [again, refused]})
    receive(database, tmp_path / "s", body(preferences=[preference("resume", at("10:45:00"))]))
    times = ("09:30:00", "10:15:00", "10:40:00", "10:50:00", "11:30:00")
    accepts = [bool(accepting(database, time)) for time in times]
    assert accepts == [True, False, False, True, False]


def test_a_stop_stays_with_the_number_when_the_client_gets_another(
    database: Database, tmp_path: Path
) -> None:
    first = {**CLIENT, "ddd": "11", "mobile": "987654321", "updated_at": at("09:00:00")}
    moved = {**first, "mobile": "912345678", "updated_at": at("11:00:00")}
    load(database, tmp_path / "1", {**BASE, "client": [first, moved]})
    stops = [preference("stop", at("10:00:00")), preference("stop", at("12:00:00"))]
    receive(database, tmp_path / "spool", body(preferences=stops))
    times = ("09:59:59", "10:00:00", "11:00:00", "12:00:00")
    assert [bool(accepting(database, time)) for time in times] == [True, False, True, True]


def test_before_a_stop_that_is_older_than_the_client_he_had_not_stopped(
    database: Database, tmp_path: Path
) -> None:
    first = {**CLIENT, "ddd": "11", "mobile": "987654321", "updated_at": at("09:00:00")}
    load(database, tmp_path / "1", {**BASE, "client": [first]})
    receive(database, tmp_path / "s", body(preferences=[preference("stop", at("08:00:00"))]))
    times = ("07:59:59", "08:00:00", "09:00:00")
    assert [bool(accepting(database, time)) for time in times] == [True, False, False]


def test_the_rest_is_stored_once_and_counted(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    text = {"id": "m1", "type": "text", "text": {"body": "Oi"}, "timestamp": "1763640000"}
    lines = [body(messages=[text]), b"{torn", body(messages=[text]), b"", b"[]"]
    loaded = receive(database, tmp_path / "spool", *lines)
    assert unhandled(database) == {"messages/text": 1, "unreadable": 1, "no_webhook": 1}
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    assert (events.read, events.new, events.known, events.rejected) == (4, 0, 1, 3)


def test_a_file_of_which_nothing_is_understood_is_told_each_time(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    (tmp_path / "2").mkdir()
    told = [body([status("sent", at("10:00:02"))]).decode()] * 2
    (tmp_path / "2" / "whatsapp_events.jsonl").write_text(json.dumps(told, indent=1))
    counts = []
    for _ in range(2):
        loaded = load_delivery(database, tmp_path / "2", LENIENT)
        (events,) = loaded.tables
        counts.append((events.read, events.new, events.known, events.rejected))
        assert loaded.notices[0].startswith(
            "whatsapp_events.jsonl: nothing of these WhatsApp events"
        )
    assert counts == [(4, 0, 0, 4), (4, 0, 4, 0)]
    assert len(loaded.notices) == 1, "what an earlier load kept is not told again"


def test_a_delivery_may_hold_events_and_nothing_else(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    folder = tmp_path / "2"
    folder.mkdir()
    with gzip.open(folder / "whatsapp_events.jsonl.gz", "wb") as file:
        file.write(body([status("read", at("10:10:00"))]))
    load_delivery(database, folder, LENIENT)
    assert dispatch_at(database, "10:10:00")[2] == "10:10:00"
    assert (folder / "whatsapp_events.jsonl.gz").exists()


def test_the_events_of_the_first_delivery_meet_its_rows(database: Database, tmp_path: Path) -> None:
    folder = write(tmp_path / "1", FIRST)
    (folder / "whatsapp_events.jsonl").write_bytes(body([status("sent", at("10:00:02"))]))
    load_delivery(database, folder, LENIENT)
    assert dispatch_at(database, "10:00:02")[0] == "10:00:02"


def test_what_of_a_damaged_file_can_be_read_is_loaded(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    whole = gzip.compress(body([status("sent", at("10:00:02"))]) + b"\n" + json.dumps(
        {"x": [n * 7919 % 10007 for n in range(20_000)]}).encode())  # fmt: skip
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "1.jsonl.gz").write_bytes(whole[:-100])
    receive(database, tmp_path / "spool")
    assert unhandled(database)["unreadable"] == 1
    assert counted(database, "whatsapp_status") == 1


def test_a_refused_delivery_leaves_the_events_where_they_are(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", FIRST)
    waiting = spooled(tmp_path / "spool", [body([status("sent", at("10:00:02"))])])
    bad = write(tmp_path / "2", {"dispatch": [{**QUEUED, "queued_at": "now"}]})
    with pytest.raises(DeliveryRefused):
        load_delivery(database, bad, LoadSettings(whatsapp_spool=waiting))
    assert counted(database, "whatsapp_status") == 0
    (left,) = spool.closed_files(waiting)
    load_delivery(database, None, LoadSettings(whatsapp_spool=waiting))
    assert counted(database, "whatsapp_status") == 1
    assert spool.closed_files(waiting) == []
    assert [path.name for path in (waiting / "loaded").iterdir()] == [left.name]


def test_no_personal_data_in_the_ledger(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    payload = body([status("sent", at("10:00:02"))], [click("Rui", at("11:00:00"))])
    loaded = receive(database, tmp_path / "spool", payload)
    with database.connect() as conn:
        told = conn.execute(
            "select delivery::text, file::text from ops.delivery as delivery "
            "join ops.delivery_file as file using (delivery_id)"
        ).fetchall()
    assert not any(word in f"{told}{loaded}" for word in (NUMBER, "Rui"))
