"""R1 and R2 row by row: what a value may be, what becomes of a faulty row, what waits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestration.errors import DatabaseError
from orchestration.ingest import casts, merge
from orchestration.ingest.contract import AGENDA, CALL_ATTEMPT, CLIENT, COMPANY, source_table
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.postgres.database import Database
from tests.deliveries import (
    AT,
    BASE,
    LATER,
    LENIENT,
    agenda,
    call,
    dispatch,
    load,
    passive,
    rejected,
    reply,
    stored,
    write,
)

GOOD_TIMESTAMPS = [
    "2026-11-20T09:00:00-03:00", "2026-11-20 09:00:00+00", "2026-11-20T09:00:00Z",
    "2026-11-20T09:00:00+0530", "2026-11-20T09:00:00.5Z", "2026-11-20T09:00:00.123456-03:00",
    "2026-11-20T09:00:00." + "1" * 200 + "-03:00", "2026-11-20T23:59:59-15:59",
    "2024-02-29T00:00:00Z", "0002-01-01T00:00:00Z", "9998-12-31T23:59:59Z",
]  # fmt: skip
BAD_TIMESTAMPS = [
    "2026-11-20T09:00:00", "2026-11-20", "now", "infinity", "-infinity", "epoch", "today",
    "2026-11-20T24:00:00Z", "2026-11-20T09:00:60Z", "2026-11-20T09:60:00Z", "2026-02-30T09:00:00Z",
    "2026-11-20t09:00:00Z", "2026-11-20T09:00:00z", "2026-11-20T09:00:00-16:00",
    "2026-11-20T09:00:00-03:60", "2026-11-20T09:00:00 -03:00", " 2026-11-20T09:00:00Z",
    "2026-11-20T09:00:00Z ", "2026-11-20T 9:00:00Z", "2026-11-20T,9:00:00Z", "20261120T090000Z",
    "2026-11-20T09:00:00.Z", "2026-11-20T09:00:00-3", "2026-11-20T09:00:00 America/Sao_Paulo",
    "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2026-11-20T09:00:00Z BC",
    "2026-11-20T09:00:00Z\n", "２０２６-11-20T09:00:00Z", "2026-11-20T09:00:AM-03:00",
    "12026-11-20T09:00:00Z",
]  # fmt: skip


@pytest.fixture
def judge(database: Database):
    """Ask the exact check and the cheap one about a text, over one connection."""
    with database.connect() as conn:
        conn.execute("set timezone = 'UTC'; create schema load_staging")
        conn.execute("create table load_staging.timezone as select name from pg_timezone_names")

        def ask(column, text):
            value = sql.SQL('{}::text collate "C"').format(sql.Literal(text))
            fault = conn.execute(
                sql.SQL("select {}").format(casts.fault(column, value))
            ).fetchone()[0]
            if column.kind in ("hours", "whole", "timezone"):
                return fault
            cheap = conn.execute(
                sql.SQL("select {}").format(casts.cheap_check(column, value))
            ).fetchone()[0]
            if cheap and fault:
                # The cheap check leaves calendar errors to the cast, which must then fail.
                with pytest.raises(psycopg.DataError), conn.transaction():
                    conn.execute(
                        sql.SQL("select {}").format(casts.cast(column, value, common=True))
                    )
            if not fault:
                exact = conn.execute(sql.SQL("select {}").format(casts.cast(column, value)))
                exact = exact.fetchone()
                if cheap:
                    common = casts.cast(column, value, common=True)
                    assert conn.execute(sql.SQL("select {}").format(common)).fetchone() == exact
            return fault

        yield ask


def test_timestamps_are_iso_8601_with_an_offset(judge):
    column = AGENDA.column("created_at")
    assert {text: judge(column, text) for text in GOOD_TIMESTAMPS} == dict.fromkeys(GOOD_TIMESTAMPS)
    assert {text for text in BAD_TIMESTAMPS if judge(column, text) is None} == set()


def test_dates_booleans_codes_and_ids(judge):
    date, boolean = AGENDA.column("contact_date"), CLIENT.column("accepts_messages")
    assert judge(date, "2024-02-29") is None
    for text in ("2026-02-30", "20/11/2026", "2026-1-2", "today", "2026-11-20 ", "0000-01-01"):
        assert judge(date, text) == "does_not_cast", text
    for text in ("true", "FALSE", "t", "F", "1", "0", "S", "n", "tRuE"):
        assert judge(boolean, text) is None, text
    for text in ("yes", "on", "sim", " true", "2", "ſ"):
        assert judge(boolean, text) == "does_not_cast", text
    assert judge(AGENDA.column("origin"), "Active") == "unknown_code"


def test_every_text_has_a_bound_and_ids_have_no_white_space_around_them(judge):
    key, reference = AGENDA.column("agenda_id"), AGENDA.column("client_id")
    for text in (
        "x" * 64,
        "ã" * 64,
        f"\u00a0 {'x' * 64}\t\u3000",
        "~é",
        "\N{COMBINING ACUTE ACCENT}",
    ):
        assert judge(key, text) is None, text
    assert judge(key, "x" * 65) == "too_long"
    for blank in (" ", "\n", "".join(casts.WHITE_SPACE)):
        assert judge(key, blank) == "missing_value", blank
        assert judge(reference, blank) is None, blank
    assert judge(CLIENT.column("landline"), "1" * 254) is None
    assert judge(CLIENT.column("landline"), "1" * 255) == "too_long"
    assert judge(CLIENT.column("name"), "😀" * 254) is None
    assert judge(CALL_ATTEMPT.column("note"), "x" * 20_000) is None


def test_white_space_is_what_python_and_r4_mean_by_it(root: Path):
    assert set(casts.WHITE_SPACE) == {chr(c) for c in range(0x110000) if chr(c).isspace()}


@pytest.mark.parametrize("row_by_row", [False, True])
def test_padded_ids_and_long_texts(database: Database, tmp_path: Path, row_by_row: bool):
    how = LoadSettings(max_rejected_share=1, row_by_row=row_by_row)
    padded = {
        name: [
            {
                column.name: f"\u00a0{value} " if column.kind == "id" else value
                for column in source_table(name).columns
                if (value := row.get(column.name))
            }
            for row in rows
        ]
        for name, rows in BASE.items()
    }
    call = {
        "attempt_id": " x1", "updated_at": AT, "agenda_id": "a1 ", "user_id": "\tnobody",
        "called_at": AT, "outcome": "other", "note": "n" * 2_001,
    }  # fmt: skip
    rows = [agenda(" a1"), agenda("a2", client_id=" "), agenda("a3", team_id=" t1 ")]
    load(database, tmp_path / "1", {**padded, "agenda": rows, "call_attempt": [call]}, how)
    held = stored(database)
    load(database, tmp_path / "2", BASE | {"agenda": [agenda()]}, how)
    assert rejected(database) == []
    assert stored(database) == held
    assert [row[:5:3] for row in held["agenda"]] == [("a1", "h1"), ("a2", None), ("a3", "h1")]
    ((_, attempt, *_, user, _, _, note),) = held["call_attempt"]
    assert (attempt, user, note) == ("x1", "nobody", "n" * 2_000)


def test_numbers_and_time_zones_of_a_company(judge):
    days, hours = COMPANY.column("no_reply_days"), COMPANY.column("no_show_hours")
    assert [judge(days, text) for text in ("1", "3", "")] == [None, None, "does_not_cast"]
    assert [judge(days, text) for text in ("0", "4")] == ["out_of_range"] * 2
    assert [judge(hours, text) for text in ("0.5", "2")] == [None, None]
    assert [judge(hours, text) for text in ("0", "-1", "999999")] == ["out_of_range"] * 3
    for text in ("NaN", "Infinity", "1e3", "0x10", "1_000", "1,5", "2.", " 2"):
        assert judge(hours, text) == "does_not_cast", text
    zone = COMPANY.column("timezone")
    assert judge(zone, "America/Manaus") is None
    for text in ("america/manaus", "BRT", "America/Sao Paulo", "Mars/Base"):
        assert judge(zone, text) == "unknown_timezone", text


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (agenda(agenda_id=""), "agenda_id", "missing_key"),
        (agenda(updated_at=""), "updated_at", "missing_value"),
        (agenda(company_id=""), "company_id", "missing_value"),
        (agenda(agenda_id="x" * 65), "agenda_id", "too_long"),
        (agenda(created_at="2026-11-20T09:00:00"), "created_at", "does_not_cast"),
        (agenda(origin="activo"), "origin", "unknown_code"),
        (agenda(client_id="nobody"), "client_id", "unknown_reference"),
        (agenda(team_id="t9"), "team_id", "unknown_reference"),
    ],
)
def test_r2_a_bad_row_is_set_aside_with_its_line_and_the_good_ones_go_on(
    database: Database, tmp_path: Path, row, column, reason
):
    rows = [agenda("good"), row, agenda("also good")]
    loaded = load(database, tmp_path, {**BASE, "agenda": rows})
    assert rejected(database) == [("agenda", 3, column, reason)]
    assert len(stored(database)["agenda"]) == 2
    assert loaded.rejected_by_reason == {("agenda", reason): 1}
    table = next(table for table in loaded.tables if table.table == "agenda")
    assert table.read == table.new + table.known + table.rejected + table.parked == 3
    with database.connect() as conn:
        (as_it_came,) = conn.execute("select row_as_delivered from raw.rejected_row").fetchone()
    assert {name: value for name, value in as_it_came.items() if value} == {
        name: value for name, value in row.items() if value
    }


def test_a_line_is_where_the_row_begins_whatever_stands_in_its_fields(
    database: Database, tmp_path: Path
):
    clients = "client_id,updated_at,name,accepts_messages\r\n" + "".join(
        (
            f'h2,{AT},"two\r\nlines ""quoted""",1\r\n',
            f"h3,{AT},short\r\n",
            f'h4,{AT},"after"the quote,1\r\n',
            "\r\n",
            f"h5,{AT},a\0b,1\r\n",
            f"h6,{AT},=cmd|' /C calc'!A0,1\r\n",
            "\\.\r\n",
            f"h7,{AT},{'x' * 254},1\r\n",
            f'h8,{AT},12" wheel,1\r\n',
        )
    )
    folder = tmp_path / "delivery"
    load_base = {name: rows for name, rows in BASE.items() if name not in ("client", "vehicle")}
    write(folder, {**load_base, "vehicle": []})
    (folder / "client.csv").write_bytes(clients.encode())
    loaded = load_delivery(database, folder, LENIENT)
    assert rejected(database) == [
        ("client", 4, None, "wrong_number_of_fields"),
        ("client", 5, None, "malformed_quotes"),
        ("client", 7, "name", "does_not_cast"),
        ("client", 9, None, "wrong_number_of_fields"),
    ]
    names = {row[0]: row[2] for row in stored(database)["client"]}
    assert names["h2"] == 'two\r\nlines "quoted"'
    assert names["h6"] == "=cmd|' /C calc'!A0"
    assert len(str(names["h7"])) == 254
    assert names["h8"] == '12" wheel'
    assert [t.read for t in loaded.tables if t.table == "client"] == [8]


def test_r1_in_one_file_the_later_row_stands(database: Database, tmp_path: Path):
    rows = [agenda(client_id=""), agenda(), agenda(client_id=""), agenda("a2"), agenda("a2")]
    loaded = load(database, tmp_path, {**BASE, "agenda": rows})
    assert rejected(database) == [("agenda", 3, None, "duplicate_version")]
    assert [row[3] for row in stored(database)["agenda"]] == [None, "h1"]
    table = next(table for table in loaded.tables if table.table == "agenda")
    assert (table.new, table.known, table.rejected) == (2, 2, 1)


def test_r1_across_deliveries_the_stored_one_stands(database: Database, tmp_path: Path):
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda()]})
    before = stored(database)
    again = load(database, tmp_path / "2", {"agenda": [agenda(), agenda(origin="passive")]})
    assert stored(database) == before
    assert rejected(database) == [("agenda", 3, None, "duplicate_version")]
    assert (again.tables[0].known, again.tables[0].rejected) == (1, 1)


def test_r1_an_older_version_that_arrives_late_is_kept_beside_the_newer(
    database: Database, tmp_path: Path
):
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda(updated_at=LATER)]})
    load(database, tmp_path / "2", {"agenda": [agenda()]})
    assert len(stored(database)["agenda"]) == 2


def test_a_row_never_changes_its_parent(database: Database, tmp_path: Path):
    rows = [agenda(), agenda("a2", company_id="c2"), agenda(updated_at=LATER, company_id="c2")]
    dispatches = [dispatch(), dispatch(agenda_id="a2")]
    load(database, tmp_path / "1", {**BASE, "agenda": rows, "dispatch": dispatches})
    later = dispatch(updated_at=LATER, agenda_id="a2")
    load(database, tmp_path / "2", {"dispatch": [later]})
    assert rejected(database) == [
        ("agenda", 4, "company_id", "parent_changed"),
        ("dispatch", 2, "agenda_id", "parent_changed"),
        ("dispatch", 3, "agenda_id", "parent_changed"),
    ]
    assert [row[0] for row in stored(database)["dispatch"]] == ["c1"]


def test_a_passive_contact_belongs_to_the_company_of_its_agenda(database: Database, tmp_path: Path):
    contacts = [
        passive("w1", agenda_id="a1"),
        passive("w2", agenda_id="a1", company_id="c2"),
        passive("w3"),
        passive("w3", company_id="c2"),
    ]
    load(database, tmp_path, {**BASE, "agenda": [agenda()], "passive_contact": contacts})
    assert rejected(database) == [
        ("passive_contact", 3, "agenda_id", "company_mismatch"),
        ("passive_contact", 4, None, "duplicate_version"),
    ]


def test_parked_rows_wait_and_all_resolve_in_one_later_load(database: Database, tmp_path: Path):
    load(
        database, tmp_path / "1",
        {**BASE, "agenda": [agenda(client_id="h9")], "dispatch": [dispatch()], "reply": [reply()]},
    )  # fmt: skip
    assert {row[3] for row in rejected(database)} == {"unknown_reference"}
    again = load(database, tmp_path / "2", {"dispatch": [dispatch()]})
    assert len(rejected(database)) == 3, "a parked row is not parked twice"
    assert again.tables[0].parked == 1
    clients = [{**BASE["client"][0], "client_id": "h9"}]
    done = load(database, tmp_path / "3", {"client": clients})
    assert rejected(database) == []
    now = stored(database)
    assert [len(now[name]) for name in ("agenda", "dispatch", "reply")] == [1, 1, 1]
    assert now["reply"][0][0] == "c1"
    assert sum(table.unparked for table in done.tables) == 3


def test_a_parked_row_may_turn_out_to_be_faulty(database: Database, tmp_path: Path):
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda()], "dispatch": [dispatch()]})
    moved = dispatch(updated_at=LATER, agenda_id="a2")
    first = load(database, tmp_path / "2", {"dispatch": [moved]})
    assert first.rejected_by_reason == {("dispatch", "parent_changed"): 1}
    load(database, tmp_path / "3", {"agenda": [agenda("a3", team_id="t2")]})
    load(database, tmp_path / "4", {"agenda": [agenda("a3")]})
    team = {**BASE["team"][0], "team_id": "t2"}
    load(database, tmp_path / "5", {"team": [*BASE["team"], team]})
    assert [row[3] for row in rejected(database)] == ["duplicate_version", "parent_changed"]


def test_of_two_parked_rows_the_one_delivered_first_stands(database: Database, tmp_path: Path):
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda(team_id="t2")]})
    load(database, tmp_path / "2", {"agenda": [agenda(team_id="t2", origin="passive")]})
    team = {**BASE["team"][0], "team_id": "t2"}
    load(database, tmp_path / "3", {"team": [*BASE["team"], team]})
    assert [row[8] for row in stored(database)["agenda"]] == ["active"]
    assert [row[3] for row in rejected(database)] == ["duplicate_version"]


@pytest.mark.parametrize("order", ["xyx", "xxy", "yxx", "xzx", "zxzx"])
def test_parked_rows_of_one_file_resolve_as_if_they_had_not_been_parked(
    database: Database, tmp_path: Path, order: str
):
    """The rows x and y are one version; z is a later one with another parent."""
    x = agenda(team_id="t2")
    rows = {"x": x, "y": {**x, "origin": "passive"}}
    rows["z"] = {**x, "updated_at": LATER, "company_id": "c2"}
    file = {"agenda": [rows[name] for name in order]}

    def became() -> tuple[list[tuple[object, ...]], set[str]]:
        return stored(database)["agenda"], {row[3] for row in rejected(database)}

    load(database, tmp_path / "1", BASE)
    load(database, tmp_path / "2", file, LENIENT)
    assert became() == ([], {"unknown_reference"})
    team = {**BASE["team"][0], "team_id": "t2"}
    load(database, tmp_path / "3", {"team": [*BASE["team"], team]})
    unparked = became()
    with database.connect() as conn:
        conn.execute("truncate raw.agenda; delete from raw.rejected_row")
    load(database, tmp_path / "4", file, LENIENT)
    assert unparked == became()


def test_the_id_of_a_dropped_user_stays_and_may_still_be_named(database: Database, tmp_path: Path):
    rows = [agenda(agent_id="u1", team_id="t1")]
    load(database, tmp_path / "1", {**BASE, "agenda": rows})
    load(database, tmp_path / "2", {"app_user": [], "user_company": [], "team": []})
    newer = {**rows[0], "updated_at": LATER}
    third = load(database, tmp_path / "3", {"agenda": [*rows, newer]})
    assert (third.tables[0].new, third.tables[0].known, third.tables[0].parked) == (1, 1, 0)


@pytest.mark.parametrize("good", [True, False], ids=["fast", "row by row"])
def test_what_goes_with_another_outcome_is_ignored_whatever_it_holds(
    database: Database, tmp_path: Path, good: bool
):
    calls = [
        call("c1", outcome="call_back", call_back_at=LATER, loss_reason_id="x" * 65),
        call("c2", outcome="refused", call_back_at="amanhã", loss_reason_id="unknown"),
        call("c3", outcome="busy", call_back_at="amanhã", loss_reason_id="x" * 65),
        call("c4", outcome="call_back"),
        call("c5", user_id="nobody"),
    ]
    bad = [
        call("c6", outcome="call_back", call_back_at="amanhã"),
        call("c7", outcome="refused", loss_reason_id="x" * 65),
    ]
    attempts = calls if good else [*calls, *bad]
    load(database, tmp_path, {**BASE, "agenda": [agenda()], "call_attempt": attempts})
    kept = [(row[1], row[4], row[7], row[8]) for row in stored(database)["call_attempt"]]
    assert kept == [
        ("c1", "u1", datetime.fromisoformat(LATER), None),
        ("c2", "u1", None, "unknown"),
        ("c3", "u1", None, None),
        ("c4", "u1", None, None),
        ("c5", "nobody", None, None),
    ]
    faults = [
        ("call_attempt", 7, "call_back_at", "does_not_cast"),
        ("call_attempt", 8, "loss_reason_id", "too_long"),
    ]
    assert rejected(database) == ([] if good else faults)


def test_a_parked_call_keeps_what_was_to_be_ignored_ignored(database: Database, tmp_path: Path):
    early = call(outcome="busy", call_back_at="amanhã")
    load(database, tmp_path / "1", {**BASE, "call_attempt": [early]})
    load(database, tmp_path / "2", {"agenda": [agenda()]})
    assert [row[7] for row in stored(database)["call_attempt"]] == [None]


@pytest.mark.parametrize(("text", "fault"), [
    ("1", None), ("999", None), ("0", "out_of_range"), ("1.5", "does_not_cast"),
])  # fmt: skip
def test_a_limit_of_calls_is_a_whole_number_above_zero(judge, text, fault):
    assert judge(COMPANY.column("max_call_attempts"), text) == fault


def test_a_bad_row_delivered_again_is_told_once_with_its_latest_line(
    database: Database, tmp_path: Path
):
    bad = agenda("bad", origin="?")
    load(database, tmp_path / "1", {**BASE, "agenda": [bad]})
    load(database, tmp_path / "2", {"agenda": [agenda(), bad]})
    assert rejected(database) == [("agenda", 3, "origin", "unknown_code")]


def test_the_ledger_tells_what_became_of_each_file(database: Database, tmp_path: Path):
    load(database, tmp_path, {**BASE, "agenda": [agenda(), agenda("x", origin="?")]}, LENIENT)
    with database.connect() as conn:
        found = conn.execute(
            "select rows_read, rows_new, rows_known, rows_rejected, rows_parked "
            "from ops.delivery_file join ops.delivery using (delivery_id) "
            "where table_name = 'agenda' and status = 'loaded'"
        ).fetchall()
    assert found == [(2, 1, 0, 1, 0)]


@pytest.mark.parametrize("row_by_row", [False, True])
def test_an_empty_field_is_null_even_when_quoted(database: Database, tmp_path: Path, row_by_row):
    load(database, tmp_path / "1", BASE)
    folder = tmp_path / "2"
    folder.mkdir()
    (folder / "client.csv").write_text(
        f'client_id;updated_at;name;email;accepts_messages\nh2;{AT};"a;b";"";1'
    )
    load_delivery(database, folder, LoadSettings(row_by_row=row_by_row))
    row = next(row for row in stored(database)["client"] if row[0] == "h2")
    assert (row[2], row[6]) == ("a;b", None)


def test_a_load_that_does_not_add_up_changes_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As under an isolation level in which the merge does not see the staged rows."""
    load(database, tmp_path / "1", BASE)
    before = stored(database)

    def see_nothing(conn, table, typed):
        conn.execute(sql.SQL("create temp table fresh as select * from {} limit 0").format(typed))
        return 0

    monkeypatch.setattr(merge, "_create_fresh", see_nothing)
    with pytest.raises(DatabaseError, match=r"client\.csv: the load does not add up: 1 rows read"):
        load(database, tmp_path / "2", {"client": [{**BASE["client"][0], "updated_at": LATER}]})
    assert stored(database) == before
