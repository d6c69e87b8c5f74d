"""Personal data stay where they belong: in the source's rows, the published tables and the pages.

Fifty people are planted, whose names and phones nobody else has, in good rows, in bad ones and in
free text; then all is done that could repeat them. Whatever is printed, logged, recorded or kept
beside them is looked through. What an erased client leaves is
`tests/integration/access/test_erase.py`'s.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from pipeline import Program, Said

from orchestration.access import accounts, roles
from orchestration.postgres import session
from orchestration.postgres.database import Database
from orchestration.settings import Settings
from reports.lookup.config import HashCost, LookupConfig
from tests.integration.lookup.office import CHEAP, Browser, running
from tests.personal_data import files_with, rows_of, tables_with, write

AS_OF = "2026-11-20T10:30:00-03:00"
NAMES = tuple(f"Zuq{a}x{b}" for a, b in product("aeiou", "bcdfghjlmn"))
DIGITS = tuple(f"9788{number:02d}{97 - number:02d}" for number in range(50))
# Where what was delivered may be, and the pages made of it.
OF_THE_SOURCE = {"raw", "staging", "intermediate", "marts", "marts_previous"}
KEPT_BESIDES = {"demo", "delivery", "bad", "published", "whatsapp"}


def spellings(number: int) -> tuple[str, ...]:
    """A person in every form in which one might be written."""
    name, digits = NAMES[number], DIGITS[number]
    phone = (digits, f"{digits[:4]}-{digits[4:]}", digits[::-1], f"{digits[:4]} {digits[4:]}")
    return (name, name.lower(), name.upper(), *phone)


PLANTED = tuple(text for number in range(50) for text in spellings(number))


def plant(folder: Path, home: Path) -> str:
    """Put the fifty into a demo's clients, and some of them wherever else a row has room; the
    login of a manager.
    """
    clients, agendas = rows_of(folder, "client"), rows_of(folder, "agenda")
    for row, name, digits in zip(clients, NAMES, DIGITS, strict=False):
        row |= {"name": f"{name} da Silva", "ddd": "93", "mobile": f"9{digits}"}
        row |= {"landline": f"93{digits}", "email": f"{name.lower()}@example.com"}
    broken = [
        clients[40] | {"updated_at": NAMES[40]},
        clients[41] | {"accepts_messages": f"{NAMES[41]} {DIGITS[41]}"},
        clients[42] | {"client_id": ""},
        clients[43] | {"updated_at": f"2026-11-20 ({DIGITS[43]})"},
    ]
    write(folder, "client", [*clients, *broken])
    # One that refers to nobody, and is parked.
    lost = agendas[0] | {"agenda_id": "parked", "client_id": "nobody", "vehicle_id": ""}
    write(folder, "agenda", [*agendas, lost])
    contacts = rows_of(folder, "passive_contact")
    contact = contacts[0] | {"agenda_id": "", "booking_id": ""}
    more = [
        contact | {"contact_id": "p1", "whatsapp_number": f"+55 (93) 9 {DIGITS[44]}"},
        contact | {"contact_id": "p2", "menu_option": f"{NAMES[45]} {DIGITS[45]}"},
    ]
    write(folder, "passive_contact", [*contacts, *more])
    dispatches = rows_of(folder, "dispatch")
    failed = next((row for row in dispatches if row["error_code"]), dispatches[0])
    failed["error_message"] = f"{NAMES[46]} não tem WhatsApp no número 93 9{DIGITS[46]}"
    write(folder, "dispatch", dispatches)
    users = rows_of(folder, "app_user")
    attempt = {
        "attempt_id": "planted", "updated_at": "2026-11-19T10:00:00-03:00",
        "agenda_id": agendas[0]["agenda_id"], "user_id": users[0]["user_id"],
        "called_at": "2026-11-19T10:00:00-03:00", "outcome": "call_back",
        "note": f"{NAMES[47]} pediu para ligar em 93 {DIGITS[47][:4]}-{DIGITS[47][4:]}",
    }  # fmt: skip
    known = rows_of(folder, "call_attempt") if (folder / "call_attempt.csv").exists() else []
    write(folder, "call_attempt", [*known, attempt])
    (home / "whatsapp").mkdir(parents=True)
    message = {
        "from": f"55939{DIGITS[48]}", "id": "wamid.1", "timestamp": "1763600000", "type": "text",
        "text": {"body": f"Oi, aqui é {NAMES[48]}"},
    }  # fmt: skip
    profile = {"profile": {"name": NAMES[48]}, "wa_id": f"55939{DIGITS[48]}"}
    value = {"contacts": [profile], "messages": [message]}
    event = {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    broken_event = json.dumps(event).replace(NAMES[48], NAMES[49])[:-9]
    spool = home / "whatsapp" / "events.jsonl"
    spool.write_text(f"{json.dumps(event)}\n{broken_event}\n", encoding="utf-8")
    managers = (row for row in users if row["role"] == "manager" and row["active"] != "N")
    return next(managers)["login"]


def bad_deliveries(delivery: Path, folder: Path) -> Iterator[Path]:
    """Deliveries that are refused whole, each for a fault beside a planted row."""

    def spoilt(name: str, text: str, encoding: str = "utf-8") -> Path:
        made = Path(shutil.copytree(delivery, folder / name))
        (made / "client.csv").write_text(text, encoding=encoding)
        return made

    text = (delivery / "client.csv").read_text(encoding="utf-8")
    header, rows = text.split("\n", 1)
    # Its first row says the same phone twice, as if a column were there twice.
    phone = f"{NAMES[7]},93,{DIGITS[7]},{DIGITS[7]}"
    yield spoilt("without-header", f"{phone}{',' * (header.count(',') - 3)}\n{rows}")
    yield spoilt("open-quote", text.replace(NAMES[3], f'"{NAMES[3]}', 1))
    yield spoilt("encoding", text.replace(NAMES[4], f"{NAMES[4]}é", 1), "cp1252")
    # A row of too few fields, and a quote that stays open: the first fault is never told.
    short = f"x,2026-11-20T10:00:00Z,{NAMES[6]},93,{DIGITS[6]}\n"
    yield spoilt("two-faults", f'{header}\n{short}q,2026-11-20T10:00:00Z,"open\n')
    yield spoilt("too-many-bad", header + "\n" + rows.replace("T", f" {NAMES[5]} "))


def use_the_page(database: Database, home: Path, manager: str) -> None:
    """Sign in wrongly and rightly, search for many of them, and meet errors."""
    logins = roles.page_logins(Settings(home=home), database)
    config = LookupConfig(
        page_database=logins.page.url, sign_in_database=logins.sign_in.url,
        pin=session.pin, publish_dir=home / "published", hash_cost=CHEAP, connections=2,
        tries_of_address=1_000,
    )  # fmt: skip
    with database.connect() as conn:
        conn.autocommit = True
        found = accounts.find_user(conn, manager)
        assert found
        first = accounts.give_first_password(conn, found.user_id)
    with running(config) as app:
        browser = Browser(app)
        for number in range(3):
            browser.sign_in(f"{NAMES[number]} {DIGITS[number]}", f"{NAMES[number]} 1234567")
        browser.sign_in(manager, first)
        token = "trilho-verde-7"
        browser.form("/senha", atual=first, nova=token, repetida=token)
        shown = 0
        for number in range(0, 50, 3):
            name, digits = NAMES[number], DIGITS[number]
            for sought in (name, f"(93) 9 {digits[:4]}-{digits[4:]}", digits):
                answer = browser.search(sought)
                shown += name in answer.text.replace(f'value="{sought}"', "")
            browser.get(f"/ficha/{name}")
            browser.get(f"/relatorios/{name}/{digits}.html")
            browser.get("/", params={"empresa": name, "agente": digits, "contato": name})
        assert shown > 20, "they are there to be found"
        with database.connect() as conn:
            conn.execute("drop function marts.search(text, integer)")
            conn.commit()
        assert browser.search(f"{NAMES[8]} {DIGITS[8]}").status_code == 500


@pytest.mark.usefixtures("one_check_worker")
def test_planted_people_are_nowhere_but_where_they_belong(
    tmp_path: Path,
    database: Database,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "HashCost", lambda: HashCost(passes=1, memory=8, lanes=1))
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx")  # the tests' own browser
    program = Program(tmp_path, database)
    demo, delivery = tmp_path / "demo", tmp_path / "delivery"
    program.call("demo", demo, "--agendas", "1000", "--as-of", AS_OF)
    shutil.copytree(demo, delivery)
    manager = plant(delivery, tmp_path)
    said: list[Said] = [program.call("run", "--source", delivery, "--as-of", AS_OF)]
    assert said[0].exit_code == 0, said[0].output
    with database.connect() as conn:
        aside = conn.execute(
            "select count(*) filter (where reason = 'unknown_reference'), count(*)"
            " from raw.rejected_row"
        ).fetchone()
    assert aside is not None and aside[0] >= 1 and aside[1] >= 6, aside  # noqa: PT018
    for bad in bad_deliveries(delivery, tmp_path / "bad"):
        said.append(program.call("run", "--source", bad, "--as-of", AS_OF))
        assert said[-1].exit_code == 1, bad.name
    use_the_page(database, tmp_path, manager)
    said += [program.call("doctor"), program.call("account", "list")]

    def told() -> str:
        printed = capfd.readouterr()
        return "\n".join((printed.out, printed.err, caplog.text, *(one.output for one in said)))

    everything = told()
    assert len(everything) > 1_000
    assert [one for one in PLANTED if one in everything] == []
    # What is sought is a session's own until it ends.
    assert tables_with(database, PLANTED, OF_THE_SOURCE) == ["access.session"]
    assert files_with(tmp_path, PLANTED, KEPT_BESIDES) == []
    assert {"raw.client", "raw.rejected_row", "marts.client"} <= set(
        tables_with(database, PLANTED)
    ), "they are there to be found"
    assert server_log_with(database) == []


def server_log_with(database: Database) -> list[str]:
    """Lines of the embedded server's own log that hold a planted string."""
    data = Path(database.parts["host"])
    home = data.with_name("home")  # names the home when root started the server
    log = (Path(home.read_text()) if home.is_file() else data.parent) / "postgres.log"
    if not log.is_file():
        return []  # a server of somebody else's, whose log is theirs
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert lines
    return [line for line in lines if any(one in line for one in PLANTED)]
