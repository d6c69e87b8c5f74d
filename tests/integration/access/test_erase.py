"""`atendimento erase`: nothing of the client is left anywhere, and nothing of others is missing."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pipeline import Program
from tests_database import fresh_database

from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.postgres import locks
from orchestration.postgres.database import Database
from orchestration.runs.run_result import RunResult
from reports import editions
from reports.lookup import sessions
from tests.personal_data import files_with, rows_of, tables_with, write

AS_OF = "2026-11-20T10:30:00-03:00"
NAME, EMAIL, PLATE = "Zulmira Quixabeira Xique", "zulmira@example.com", "QXB7Z77"
DDD, MOBILE, OLD_MOBILE, LANDLINE = "93", "99871-2345", "998712000", "9332217766"
NOTE = "filha da Zulmira atende"
# Whatever spelling they are looked for in.
PLANTED = (
    "Zulmira", "zulmira", "Quixabeira", "quixabeira", "xique", PLATE, "QXB7",
    "99871-2345", "998712345", "98712345", "54321789", "998712000", "9332217766", "6677122339",
)  # fmt: skip


def plant(folder: Path, home: Path) -> tuple[str, str]:
    """Make a client with open agendas the planted one; their id and an agenda's."""
    agendas = rows_of(folder, "agenda")
    open_one = next(row for row in agendas if row["client_id"] and not row["closed_at"])
    client, agenda = open_one["client_id"], open_one["agenda_id"]
    clients = rows_of(folder, "client")
    ours = next(row for row in clients if row["client_id"] == client)
    planted = {"name": NAME, "ddd": DDD, "landline": LANDLINE, "email": EMAIL}
    earlier = ours | planted | {"updated_at": "2020-01-01T00:00:00-03:00", "mobile": OLD_MOBILE}
    broken = earlier | {"updated_at": "never"}
    others = [row for row in clients if row["client_id"] != client]
    mine = [ours | planted | {"mobile": MOBILE}, earlier, broken]
    write(folder, "client", [*others, *mine])
    vehicles = [row for row in rows_of(folder, "vehicle") if row["client_id"] != client]
    kept = {row["vehicle_id"] for row in vehicles}
    theirs = vehicles[0] | {"client_id": client, "plate": PLATE, "vehicle_id": "planted"}
    write(folder, "vehicle", [*vehicles, theirs])
    for row in agendas:
        row["vehicle_id"] = row["vehicle_id"] if row["vehicle_id"] in kept else ""
    write(folder, "agenda", agendas)
    contacts = rows_of(folder, "passive_contact")
    contact = contacts[0] | {
        "contact_id": "planted", "whatsapp_number": "+55 (93) 9 9871-2345",
        "agenda_id": "", "booking_id": "",
    }  # fmt: skip
    rejected = contact | {"contact_id": "rejected", "menu_option": "nonsense"}
    write(folder, "passive_contact", [*contacts, contact, rejected])
    user = rows_of(folder, "app_user")[0]["user_id"]
    attempt = {
        "attempt_id": "planted", "updated_at": "2026-11-19T10:00:00-03:00", "agenda_id": agenda,
        "user_id": user, "called_at": "2026-11-19T10:00:00-03:00", "outcome": "call_back",
        "note": NOTE,
    }  # fmt: skip
    attempts = folder / "call_attempt.csv"
    known = rows_of(folder, "call_attempt") if attempts.exists() else []
    write(folder, "call_attempt", [*known, attempt])
    (home / "whatsapp").mkdir(parents=True, exist_ok=True)
    profile = {"profile": {"name": NAME}, "wa_id": "5593998712345"}
    message = {"from": "5593998712345", "id": "wamid.1", "timestamp": "1763600000", "type": "text"}
    other = message | {"from": "5511911112222", "id": "wamid.2", "text": {"body": "outra pessoa"}}
    with (home / "whatsapp" / "events.jsonl").open("w", encoding="utf-8") as file:
        for value in (
            {"contacts": [profile], "messages": [message | {"text": {"body": NAME}}]},
            {"messages": [other]},
        ):
            change = {"field": "messages", "value": value}
            file.write(json.dumps({"entry": [{"id": "1", "changes": [change]}]}) + "\n")
    return client, agenda


def found_in_tables(database: Database) -> list[str]:
    return tables_with(database, PLANTED)


def found_in_files(home: Path) -> list[str]:
    return files_with(home, PLANTED, {"delivery"})


def others(program: Program, client: str) -> dict[str, object]:
    """What the group holds beside the client, and the history."""
    with program.database.connect() as conn:
        return {
            query: conn.execute(query.encode(), {"id": client}).fetchall()
            for query in (
                "select sum(hashtextextended(c::text, 0)) from marts.client as c"
                " where client_id <> %(id)s",
                "select sum(hashtextextended(v::text, 0)) from raw.vehicle as v"
                " where client_id <> %(id)s",
                "select sum(hashtextextended(p::text, 0)) from raw.passive_contact as p"
                " where contact_id <> 'planted'",
                "select count(*) from raw.call_attempt",
                "select count(*) from raw.rejected_row",
                "select count(*), count(client_id) from marts.agenda_status",
                "select sum(hashtextextended(h::text, 0)) from history.totalizer_history as h",
            )
        }


@pytest.fixture(scope="module")
def program(empty_program: Program) -> Program:
    return empty_program


def test_nothing_of_an_erased_client_is_left_and_nothing_comes_back(program: Program) -> None:
    folder = program.home / "delivery"
    program.call("demo", folder, "--agendas", "1000", "--as-of", AS_OF)
    client, agenda = plant(folder, program.home)
    for as_of in ("2026-11-19T10:30:00-03:00", AS_OF):
        said = program.call("run", "--source", folder, "--as-of", as_of)
        assert said.exit_code == 0, said.output
    assert {"raw.client", "raw.call_attempt", "raw.rejected_row", "raw.whatsapp_unhandled"} <= set(
        found_in_tables(program.database)
    )
    with program.database.connect() as conn:
        opened = sessions.start_session(conn, "u", lifetime=timedelta(hours=1), address="")
        sessions.add_search(conn, opened.token, f"{NAME} {MOBILE}")
    assert {"marts.client", "marts_previous.client", "access.session"} <= set(
        found_in_tables(program.database)
    )
    assert found_in_files(program.home)
    before = others(program, client)

    said = program.call("erase", client)

    assert said.exit_code == 0, said.output
    assert not any(planted in said.output for planted in PLANTED)
    assert "raw.client: 2 rows" in said.output
    assert found_in_tables(program.database) == []
    assert found_in_files(program.home) == []
    assert others(program, client) == before
    with program.database.connect() as conn:
        kept = conn.execute(
            "select name, ddd, mobile, landline, email, accepts_messages, is_opted_out"
            " from marts.client where client_id = %s",
            [client],
        ).fetchone()
        assert kept == ("(apagado)", None, None, None, None, False, True)
        listed = "select whatsapp_status, client_id from marts.agenda_status where agenda_id = %s"
        assert conn.execute(listed, [agenda]).fetchone()[1] == client  # type: ignore[index]
    assert len({Path(path).parts[0] for path in program.editions()}) == 1

    # The source tells all again, the same and a newer version.
    newer = rows_of(folder, "client")
    ours = [row for row in newer if row["client_id"] == client and row["mobile"] == MOBILE]
    write(folder, "client", [*newer, ours[0] | {"updated_at": "2026-11-20T09:00:00-03:00"}])
    said = program.call("run", "--source", folder, "--as-of", AS_OF)
    assert said.exit_code == 0, said.output
    assert found_in_tables(program.database) == []
    assert found_in_files(program.home) == []


@pytest.mark.proof
def test_what_stopped_is_done_by_the_same_command_again(program: Program) -> None:
    """A second client, of whom an event waits; the first try cannot publish."""
    folder, spool = program.home / "delivery", program.home / "whatsapp"
    planted = ("Quirina", "quirina", "998760001", "98760001")
    with program.database.connect() as conn:
        erased = conn.execute("select client_id from access.erased_client").fetchall()
    client = next(
        row["client_id"]
        for row in rows_of(folder, "agenda")
        if row["client_id"] and (row["client_id"],) not in erased
    )
    clients = [row for row in rows_of(folder, "client") if row["client_id"] != client]
    named = clients[0] | {
        "client_id": client, "name": "Quirina Zwetsch", "ddd": "94", "mobile": "998760001",
        "landline": "", "email": "quirina@example.com", "updated_at": "2026-11-20T09:30:00-03:00",
    }  # fmt: skip
    only = program.home / "only"
    write(only, "client", [named])
    message = {"from": "5594998760001", "id": "wamid.7", "timestamp": "1763600000", "type": "text"}
    value = {"messages": [message | {"text": {"body": "Quirina aqui"}}]}
    entry = [{"id": "1", "changes": [{"field": "messages", "value": value}]}]
    (spool / "a.jsonl").write_text(json.dumps({"entry": entry}) + "\n")
    said = program.call("run", "--source", only, "--as-of", AS_OF)
    assert said.exit_code == 0, said.output
    assert files_with(program.home, planted, {"delivery", "only", "published", "postgres"})
    value["messages"][0]["id"] = "wamid.8"
    (spool / "b.jsonl").write_text(json.dumps({"entry": entry}) + "\n")

    no_folder = program.home / "a file"
    no_folder.touch()
    stopped = program.call("erase", client, PUBLISH_DIR=str(no_folder / "published"))

    assert stopped.exit_code == 1
    assert "then run the same command again" in stopped.last_line
    built = {"marts", "marts_next", "marts_previous", "staging", "intermediate"}
    assert tables_with(program.database, planted, built) == []
    said = program.call("erase", client)
    assert said.exit_code == 0, said.output
    assert tables_with(program.database, planted) == []
    assert files_with(program.home, planted, {"delivery", "only"}) == []


def test_an_edition_that_cannot_be_removed_is_told(
    program: Program, maintenance: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with program.database.connect() as conn:
        row = conn.execute("select client_id from access.erased_client limit 1").fetchone()
    assert row
    published = (RunResult(0, "run"), program.database)
    monkeypatch.setattr(
        "orchestration.launch.daily_run.execute_daily_job", lambda *_, **__: published
    )
    former = f"{program.database.parts['dbname']}_before_restore"
    maintenance.execute(f'create database "{former}"'.encode())
    try:
        assert f'drop database "{former}"' in program.call("erase", row[0]).output
    finally:
        maintenance.execute(f'drop database "{former}"'.encode())

    def refuse(*_: object, **__: object) -> None:
        raise editions.PublishError("a folder")

    monkeypatch.setattr(editions, "prune_editions", refuse)
    said = program.call("erase", row[0])
    assert said.exit_code == 1
    assert "older edition" in said.last_line
    assert "run the same command again" in said.last_line


@pytest.fixture
def erased(program: Program, monkeypatch: pytest.MonkeyPatch) -> str:
    """A client erased already, whose erasure publishes nothing anew."""
    published = (RunResult(0, "run"), program.database)
    monkeypatch.setattr(
        "orchestration.launch.daily_run.execute_daily_job", lambda *_, **__: published
    )
    with program.database.connect() as conn:
        row = conn.execute("select client_id from access.erased_client limit 1").fetchone()
    assert row
    return str(row[0])


def test_what_a_killed_load_had_read_is_not_left(program: Program, erased: str) -> None:
    with program.database.connect() as conn:
        conn.execute("create schema if not exists load_staging")
        conn.execute("create unlogged table load_staging.client as select 'Zulmira'::text as name")
        conn.commit()
        conn.execute("select pg_advisory_lock(%s)", [locks.LOAD])
        refused = program.call("erase", erased)
        assert "Another load is in progress" in refused.output
        conn.execute("select pg_advisory_unlock_all()")
    said = program.call("erase", erased)
    assert said.exit_code == 0, said.output
    assert found_in_tables(program.database) == []


def test_only_the_edition_that_is_read_stays_whatever_the_clock_said(
    program: Program, erased: str
) -> None:
    published = program.home / "published"
    read = (published / "current").resolve()
    for name, seconds in (("2026-11-18T133000Z-older", 60), ("2026-11-17T133000Z-older", 10**6)):
        shutil.copytree(read, published / name)
        later = read.stat().st_mtime + seconds
        os.utime(published / name, (later, later))
    said = program.call("erase", erased)
    assert "editions of the pages: 2 removed" in said.output
    assert [edition.name for edition in editions.list_editions(published)] == [read.name]


def test_what_cannot_be_erased_is_named(
    program: Program, erased: str, maintenance: psycopg.Connection
) -> None:
    assert "may still hold" not in program.call("erase", erased).output
    (program.home / "published" / "editions").mkdir()
    (program.home / "whatsapp" / "folder.jsonl").mkdir()  # no file to be read
    half = f"{program.database.parts['dbname']}_restoring"
    maintenance.execute(f'create database "{half}"'.encode())
    try:
        said = program.call("erase", erased)
    finally:
        maintenance.execute(f'drop database if exists "{half}"'.encode())
        (program.home / "published" / "editions").rmdir()
        (program.home / "whatsapp" / "folder.jsonl").rmdir()
    assert said.exit_code == 0, said.output
    assert f"{program.home / 'published' / 'editions'}, with the pages of version" in said.output
    assert f"events in {program.home / 'whatsapp'} that could not be read" in said.output
    assert "may still hold the client (1)" in said.output
    assert "Message ids of WhatsApp stay as keys" in said.output
    assert f'drop database "{half}"' in said.output


@pytest.mark.proof
def test_nothing_stays_of_what_was_never_published(
    tmp_path: Path,
    postgres: Database,
    maintenance: psycopg.Connection,
    one_check_worker: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first run ends when its pages are written, another when readers are led to them."""
    with fresh_database(postgres, maintenance) as database:
        program = Program(tmp_path, database)
        folder = program.home / "delivery"
        program.call("demo", folder, "--agendas", "1000", "--as-of", AS_OF)
        client, _ = plant(folder, program.home)
        with monkeypatch.context() as patched:
            patched.setattr("orchestration.publication.publish.swap_schemas", _fail)
            assert program.call("run", "--source", folder, "--as-of", AS_OF).exit_code == 1
        published = program.home / "published"
        (partial,) = published.glob("*.partial")
        whole = published / "2026-11-19T133000Z-whole"
        shutil.copytree(partial, whole)
        (published / "current").symlink_to(whole.name)
        tables = found_in_tables(program.database)
        assert {name.partition(".")[0] for name in tables} >= {"staging", "marts_next"}

        said = program.call("erase", client)

        assert said.exit_code == 0, said.output
        assert "editions of the pages: 2 removed" in said.output
        assert found_in_tables(program.database) == []
        assert found_in_files(program.home) == []
        assert not (published / "current").is_symlink()
        load_delivery(program.database, folder, LoadSettings(home=program.home))
        assert found_in_tables(program.database) == []


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError


def test_what_the_database_says_is_not_repeated(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise psycopg.errors.NotNullViolation(f"row ({NAME})")

    with program.database.connect() as conn:
        row = conn.execute("select client_id from access.erased_client limit 1").fetchone()
    assert row
    monkeypatch.setattr("orchestration.ingest.redaction.stored_rows.erase_stored", fail)
    said = program.call("erase", row[0])
    assert said.exit_code == 1
    assert "SQLSTATE 23502" in said.last_line
    assert NAME not in said.output


def test_a_client_that_is_not_there_changes_nothing(program: Program) -> None:
    said = program.call("erase", "nobody at all")
    assert said.exit_code == 2
    assert said.last_line == "There is no client nobody at all. Nothing was changed."
