"""Erased clients in what was loaded and in what is loaded later: rows set aside, events, files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deliveries import AT, BASE, LENIENT, Row, agenda, dispatch, load, passive
from whatsapp_payloads import body, preference, seconds, spooled, status

from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.redaction import erased_numbers
from orchestration.ingest.redaction.stored_rows import erase_stored, vacuum_erased_tables
from orchestration.ingest.whatsapp.redaction import event_files, redact_files
from orchestration.postgres.database import Database
from tests.personal_data import files_with, tables_with

NUMBER, BEFORE, AFTER = "5593998712345", "2020-01-01T12:00:00+00:00", "2190-01-01T12:00:00+00:00"
CLIENT: Row = {
    "client_id": "h1", "updated_at": AT, "name": "Zulmira Xique", "accepts_messages": "true",
    "ddd": "93", "mobile": "99871-2345", "landline": "9332217766", "email": "zul@example.com",
}  # fmt: skip
OTHER: Row = {
    "client_id": "h2", "updated_at": AT, "name": "Rui", "accepts_messages": "true",
    "ddd": "11", "mobile": "988887777",
}  # fmt: skip
PLANTED = (
    "Zulmira", "zul@example", "9871-2345", "998712345", "98712345", "9332217766", "32217766",
    "QXB7Z77", "segredo", "nome_social",
)  # fmt: skip
FIRST = {
    **BASE,
    "client": (CLIENT, OTHER),
    "agenda": (agenda("a1"), agenda("a2", client_id="h2")),
    "dispatch": (dispatch("d1"), dispatch("d2", agenda_id="a2")),
}
Made = Callable[..., None]


def message(
    said: str, at: str = BEFORE, number: str = NUMBER, own: str = "wamid.1"
) -> dict[str, object]:
    """What somebody wrote."""
    return {
        "from": number, "id": own, "timestamp": seconds(at), "type": "text",
        "text": {"body": said},
    }  # fmt: skip


def failed(message_id: str, said: str, at: str = BEFORE) -> bytes:
    """A message that failed, and WhatsApp's words for it."""
    errors = [{"code": 131026, "message": said}]
    return body([status("failed", at, message_id, errors) | {"recipient_id": NUMBER}])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The state folder, with the key of erased numbers."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def made(database: Database, home: Path, tmp_path: Path) -> Made:
    """Load a delivery; the first one comes by itself."""
    count = iter(range(100))

    def deliver(tables: dict[str, tuple[Row, ...]], *events: bytes) -> None:
        folder = tmp_path / f"delivery{next(count)}"
        if events:
            folder.mkdir()
            (folder / "whatsapp_events.jsonl").write_bytes(b"\n".join(events))
        load(database, folder, tables, replace(LENIENT, home=home))

    deliver(FIRST)
    return deliver


def erase(database: Database, home: Path, client: str = "h1") -> dict[str, int]:
    with database.connect() as conn:
        rows = erase_stored(conn, home, client)
    vacuum_erased_tables(database)
    return rows


def left(database: Database) -> list[str]:
    return tables_with(database, PLANTED)


def value(database: Database, query: str) -> object:
    with database.connect() as conn:
        return conn.execute(query.encode()).fetchall()


def test_a_contact_set_aside_without_its_id_has_no_number_left(
    database: Database, made: Made, home: Path
) -> None:
    made({"passive_contact": (passive("", whatsapp_number="+55 (93) 9 9871-2345"),)})
    assert "raw.rejected_row" in left(database)
    erase(database, home)
    assert left(database) == []
    made({"passive_contact": (passive("", whatsapp_number="+55 (93) 9 9871-2345"),)})
    assert left(database) == []


def test_rows_set_aside_that_only_an_email_tells_apart(
    database: Database, made: Made, home: Path, tmp_path: Path
) -> None:
    earlier = {**CLIENT, "updated_at": BEFORE, "email": "ZUL@example.com.br"}
    shared = {**OTHER, "client_id": "h4", "email": "casa@example.com"}
    made(
        {"client": (earlier, {**CLIENT, "updated_at": AFTER, "email": " Casa@Example.com"}, shared)}
    )
    folder = tmp_path / "without ids"
    folder.mkdir()
    (folder / "client.csv").write_text(
        "client_id,updated_at,name,accepts_messages,email\n"
        f",{AT},Zulmira Um,true,  Zul@Example.com \n"
        f",{AT},Zulmira Dois,true,zul@example.com.br\n"
        f",{AT},Outra Um,true,ana.zul@example.com\n"
        f",{AT},Outra Dois,true,zul@example.com.pt\n"
        f",{AT},Da Casa,true,casa@example.com\n"
        "Zulmira Tres,zul@EXAMPLE.com\n"
        "Outra Tres,xzul@example.com\n"
    )
    load_delivery(database, folder, replace(LENIENT, home=home))
    names = ("Zulmira", "Outra", "Da Casa")
    aside = "select row_as_delivered::text from raw.rejected_row"
    assert all(name in str(value(database, aside)) for name in names)
    before = value(database, "select count(*) from raw.rejected_row")
    erase(database, home)
    said = str(value(database, aside))
    assert "Zulmira" not in said
    assert all(f"Outra {which}" in said for which in ("Um", "Dois", "Tres"))
    assert "Da Casa" in said
    assert value(database, "select count(*) from raw.rejected_row") == before


def test_rows_set_aside_keep_key_ids_and_times_alone(
    database: Database, made: Made, home: Path
) -> None:
    broken = {
        "client": (
            {**CLIENT, "client_id": ""},
            {**CLIENT, "updated_at": "never", "name": "Zulmira"},
        ),
        "vehicle": (
            {
                "vehicle_id": "v1", "updated_at": AT, "client_id": "", "plate": "QXB7Z77",
                "active": "t",
            },
        ),
        "agenda": (agenda("a9", company_id="nowhere"),),
        "call_attempt": (
            {
                "attempt_id": "c1", "updated_at": AT, "agenda_id": "a9", "user_id": "u1",
                "called_at": AT, "outcome": "call_back", "note": "segredo",
            },
        ),
    }  # fmt: skip
    made(broken)
    assert "raw.rejected_row" in left(database)
    before = value(database, "select count(*) from raw.rejected_row")
    erase(database, home)
    assert left(database) == []
    made(broken)
    assert left(database) == []
    assert value(database, "select count(*) from raw.rejected_row") == before
    # What a parked row waited for comes: the row does too, without its note.
    company = {"company_id": "nowhere", "name": "Três"}
    made({"company": (*BASE["company"], company)})
    assert left(database) == []
    assert value(database, "select attempt_id, note from raw.call_attempt") == [("c1", None)]


def test_columns_that_nobody_knows_go_too(
    database: Database, made: Made, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "with a column more"
    folder.mkdir()
    (folder / "client.csv").write_text(
        "client_id,updated_at,name,accepts_messages,nome_social\nh1,never,Zulmira,true,Zulmira\n"
    )
    load_delivery(database, folder, replace(LENIENT, home=home))
    assert "raw.rejected_row" in left(database)
    erase(database, home)
    assert left(database) == []
    load_delivery(database, folder, replace(LENIENT, home=home))
    assert left(database) == []


def test_a_row_that_waited_for_a_client_erased_since_comes_blank(
    database: Database, made: Made, home: Path
) -> None:
    attempt = {
        "attempt_id": "c1", "updated_at": AT, "agenda_id": "a7", "user_id": "u1",
        "called_at": AT, "outcome": "call_back", "note": "segredo",
    }  # fmt: skip
    made({"call_attempt": (attempt,)})
    erase(database, home)
    made({"agenda": (agenda("a7"),)})
    assert left(database) == []
    assert value(database, "select attempt_id, note from raw.call_attempt") == [("c1", None)]


def test_events_told_again_do_not_come_back(database: Database, made: Made, home: Path) -> None:
    told = (
        body((), [message("sou a Zulmira")]),
        body((), (), [preference("stop", BEFORE, NUMBER)]),
        failed("d1", "segredo"),
    )
    made({}, *told)
    found = {"raw.whatsapp_unhandled", "raw.whatsapp_preference", "raw.whatsapp_status"}
    assert found <= set(left(database))
    erase(database, home)
    assert left(database) == []
    made({}, *told)
    made({}, failed("d1", "segredo outra vez"))
    assert left(database) == []
    assert value(database, "select count(*) from raw.whatsapp_status") == [(1,)]
    codes = "select dispatch_id from raw.whatsapp_status where error_code = '131026'"
    assert value(database, codes) == [("d1",)]


def test_words_about_a_message_that_comes_late_are_not_kept(
    database: Database, made: Made, home: Path
) -> None:
    made({}, failed("late", "segredo"))
    erase(database, home)
    made({"dispatch": (dispatch("late"),)})
    assert left(database) == []
    codes = "select dispatch_id from raw.whatsapp_status where error_code = '131026'"
    assert value(database, codes) == [("late",)]


def test_a_contact_of_before_that_comes_late_has_no_number_and_one_made_anew_does(
    database: Database, made: Made, home: Path
) -> None:
    erase(database, home)
    made(
        {
            "passive_contact": (
                passive("late", whatsapp_number=NUMBER, contacted_at=BEFORE),
                passive("anew", whatsapp_number=NUMBER, contacted_at=AFTER),
            )
        },
        body((), [message("de novo", AFTER, own="wamid.9")], [preference("stop", AFTER, NUMBER)]),
    )
    contacts = "select contact_id, whatsapp_number from raw.passive_contact order by 1"
    assert value(database, contacts) == [("anew", NUMBER), ("late", None)]
    assert value(database, "select count(*) from raw.whatsapp_unhandled") == [(1,)]
    assert value(database, "select count(*) from raw.whatsapp_preference") == [(1,)]
    # Asking again erases that too.
    erase(database, home)
    assert left(database) == []


def test_numbers_that_are_no_mobile_are_the_clients_too(
    database: Database, made: Made, home: Path
) -> None:
    odd = {**CLIENT, "client_id": "h3", "ddd": "", "mobile": "93 99871-0000", "landline": ""}
    made(
        {
            "client": (odd,),
            "agenda": (agenda("a3"),),
            "passive_contact": (
                passive("by landline", whatsapp_number="559332217766"),
                passive("by agenda", whatsapp_number="5593998710001", agenda_id="a3"),
                passive("odd", whatsapp_number="5593998710000"),
            ),
        },
        body((), [message("segredo", number="5593998710000")]),
        body((), [message("segredo", number="5593998710001")]),
    )
    erase(database, home)
    erase(database, home, "h3")
    assert left(database) == []
    numbers = "select contact_id from raw.passive_contact where whatsapp_number is not null"
    assert value(database, numbers) == []


def test_a_number_that_another_client_has_stays_theirs(
    database: Database, made: Made, home: Path
) -> None:
    same = {**OTHER, "client_id": "h4", "ddd": CLIENT["ddd"], "mobile": CLIENT["mobile"]}
    made({"client": (same,)}, body((), [message("de um dos dois")]))
    erase(database, home)
    assert value(database, "select count(*) from raw.whatsapp_unhandled") == [(1,)]
    erase(database, home, "h4")
    assert value(database, "select count(*) from raw.whatsapp_unhandled") == [(0,)]


def test_a_time_is_no_number(database: Database, made: Made, home: Path, tmp_path: Path) -> None:
    rio_preto = {**CLIENT, "client_id": "h17", "ddd": "17", "mobile": "963600000"}
    others = body(
        (), [{**message("outra pessoa", number="5511911112222"), "timestamp": "1763600000"}]
    )
    made({"client": (rio_preto,)}, others)
    (tmp_path / "a.jsonl").write_bytes(others + b"\n")
    rows = erase(database, home, "h17")
    assert rows["raw.whatsapp_unhandled"] == 0
    with database.connect() as conn:
        numbers = erased_numbers.read_erased_numbers(conn, home)
    assert redact_files([tmp_path / "a.jsonl"], numbers) == 0
    assert numbers.in_event(others.replace(b"5511911112222", b"5517963600000"))


def test_files_lose_the_client_and_what_cannot_be_read(
    database: Database, made: Made, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "loaded"
    spooled(folder, [body((), [message("sou a Zulmira")]), failed("d2", "fica")], "a")
    lines = b"".join(
        body((), [message(f"{n} Rui", number="5511911112222", own=f"wamid.{n}")]) + b"\n"
        for n in range(400)
    )
    whole = gzip.compress(lines)
    (folder / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    erase(database, home)
    with database.connect() as conn:
        numbers = erased_numbers.read_erased_numbers(conn, home)
    assert redact_files(event_files(folder), numbers) == 2
    assert files_with(folder, PLANTED) == []
    kept = gzip.decompress((folder / "cut.jsonl.gz").read_bytes()).splitlines()
    assert 0 < len(kept) < 400
    assert all(json.loads(line) for line in kept[:-1])


def test_a_file_received_later_is_put_away_without_the_client(
    database: Database, made: Made, home: Path, tmp_path: Path
) -> None:
    erase(database, home)
    spooled(tmp_path / "spool", [body((), [message("sou a Zulmira")])])
    load_delivery(database, None, LoadSettings(home=home, whatsapp_spool=tmp_path / "spool"))
    assert left(database) == []
    assert files_with(tmp_path / "spool", PLANTED) == []


def test_what_is_left_to_compact_is_known_until_it_is_done(
    database: Database, made: Made, home: Path
) -> None:
    with database.connect() as conn:
        erase_stored(conn, home, "h1")
    with database.connect() as conn:
        erase_stored(conn, home, "h1")
    assert ("raw.client",) in value(database, "select table_name from access.pending_vacuum")  # type: ignore[operator]
    vacuum_erased_tables(database)
    assert value(database, "select table_name from access.pending_vacuum") == []
