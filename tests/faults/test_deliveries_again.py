"""Deliveries again, at once, late and in any order: nothing twice, nothing lost (R1, R2).

The thousand orders are a thousand small groups of clients that share the reference tables: each
group's rows come spread over the same few loads in an order of its own. No row of a group refers to
another group, so each is an experiment of its own, for the price of a row.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pipeline import Program, environment
from tests_database import fresh_database

from orchestration.ingest.contract import ENTITY_TABLES, REFERENCE_TABLES
from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery
from orchestration.ingest.raw_tables import column_names
from orchestration.postgres.database import Database
from tests.deliveries import AT, BASE, Row, agenda, dispatch, passive, reply, write

AS_OF = "2026-11-20T12:00:00-03:00"
ORDERS, LOADS = 1000, 5
_REFERENCES = {table.name: BASE[table.name] for table in REFERENCE_TABLES}
_NO_ROWS: dict[str, tuple[Row, ...]] = {
    table.name: () for table in (*REFERENCE_TABLES, *ENTITY_TABLES) if not table.may_be_missing
}


def at(hours: float) -> str:
    return (datetime.fromisoformat(AT) + timedelta(hours=hours)).isoformat()


def life(group: str) -> list[tuple[str, Row]]:
    """The rows of a client and two agendas, each with the versions that a life gives it."""

    def key(name: str) -> str:
        return f"{group}:{name}"

    client = {"client_id": key("h"), "name": "Rui", "accepts_messages": "true"}
    car = {"vehicle_id": key("v"), "client_id": key("h"), "active": "t"}
    contact = {"client_id": key("h"), "vehicle_id": key("v")}
    visit = {"booking_id": key("b"), "agenda_id": key("a1"), "channel": "leadzap",
             "created_at": at(3), "scheduled_for": at(30)}  # fmt: skip
    call = {"attempt_id": key("l"), "agenda_id": key("a2"), "user_id": "u1", "called_at": at(9)}
    sent = {"dispatch_id": key("d"), "agenda_id": key("a1")}
    return [
        ("client", {**client, "updated_at": at(0)}),
        ("client", {**client, "updated_at": at(1), "mobile": "99999-9999", "ddd": "11"}),
        ("client", {**client, "updated_at": at(2), "accepts_messages": "false"}),
        ("vehicle", {**car, "updated_at": at(0)}),
        ("vehicle", {**car, "updated_at": at(5), "active": "f"}),
        ("agenda", agenda(key("a1"), **contact)),
        ("agenda", agenda(key("a1"), **contact, updated_at=at(4), closed_at=at(4))),
        ("agenda", agenda(key("a2"), **contact, agent_id="u1", team_id="t1")),
        ("dispatch", dispatch(**sent)),
        ("dispatch", dispatch(**sent, updated_at=at(0.5), sent_at=at(0.5))),
        ("dispatch", dispatch(**sent, updated_at=at(0.25), error_code="131026")),
        ("reply", reply(key("r"), dispatch_id=key("d"))),
        ("booking", {**visit, "updated_at": at(3)}),
        ("booking", {**visit, "updated_at": at(31), "arrived_at": at(30)}),
        ("passive_contact", passive(key("w"), agenda_id=key("a1"), booking_id=key("b"))),
        ("call_attempt", {**call, "updated_at": at(9), "outcome": "no_answer"}),
    ]


def spread(dice: random.Random) -> list[dict[str, list[Row]]]:
    """The rows of every group over the loads, in each an order of its own; a fifth comes twice."""
    loads: list[dict[str, list[Row]]] = [defaultdict(list) for _ in range(LOADS)]
    for group in range(ORDERS):
        rows = life(f"{group:03}")
        rows += dice.sample(rows, 3)
        dice.shuffle(rows)
        for table, row in rows:
            loads[dice.randrange(LOADS)][table].append(row)
    return loads


def checksums(database: Database) -> list[tuple[int, str, str]]:
    """Of how many groups: all versions and the rows in force, hashed without the group's name."""
    every = " union all ".join(
        "select split_part({0}, ':', 1) as name, '{1}' as what, {0} as id, updated_at,"
        " regexp_replace(concat_ws('|', {2}), '[0-9]{{3,4}}:', '', 'g') as said"
        " from raw.{1}".format(
            table.key[0],
            table.name,
            ", ".join(f"coalesce({name}::text, '-')" for name in column_names(table)),
        )
        for table in ENTITY_TABLES
    )
    with database.connect() as conn:
        return conn.execute(
            f"""
            with version as ({every}),
            in_force as (
                select distinct on (what, id) * from version order by what, id, updated_at desc
            ),
            versions as (
                select name, md5(string_agg(what || said, ';' order by what, said)) as checksum
                from version group by name
            ),
            standing as (
                select name, md5(string_agg(what || said, ';' order by what, said)) as checksum
                from in_force group by name
            )
            select count(*), versions.checksum, standing.checksum
            from versions join standing using (name) group by 2, 3
            """
        ).fetchall()


@pytest.mark.parametrize("references", ["first", "last"])
def test_a_thousand_random_orders(
    database: Database, tmp_path: Path, references: str, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    first = {**_NO_ROWS, **(_REFERENCES if references == "first" else {})}
    settings = LoadSettings(max_rejected_share=0)
    load_delivery(database, write(tmp_path / "first", first), settings)
    rows = 0
    for number, tables in enumerate(spread(random.Random(5))):
        loaded = load_delivery(database, write(tmp_path / str(number), tables), settings)
        rows += sum(table.read for table in loaded.tables)
    if references == "last":
        with database.connect() as conn:
            waiting = "select count(*) from raw.rejected_row where reason <> 'unknown_reference'"
            assert conn.execute("select from raw.agenda").fetchone() is None
            assert conn.execute(waiting).fetchone() == (0,)
        load_delivery(database, write(tmp_path / "last", _REFERENCES), settings)

    expected = len(life("000"))
    found = checksums(database)
    with database.connect() as conn:
        stored = sum(
            conn.execute(f"select count(*) from raw.{table.name}").fetchone()[0]  # type: ignore[index]
            for table in ENTITY_TABLES
        )
        aside = conn.execute("select count(*) from raw.rejected_row").fetchone()
    with capsys.disabled():
        print(
            f"\n{ORDERS} orders of {expected} versions, references {references}: {rows} rows in"
            f" {LOADS} loads, {stored} stored, {len(found)} checksum,"
            f" {time.monotonic() - started:.1f} s"
        )
    assert [count for count, *_ in found] == [ORDERS]
    assert stored == ORDERS * expected
    assert aside == (0,)


def test_the_orders_differ_from_the_rows_alone(database: Database, tmp_path: Path) -> None:
    """The checksum sees a version that is missing: a group without one is another group."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for group in ("000", "001"):
        for table, row in life(group)[: 16 if group == "000" else 15]:
            rows[table].append(row)
    load_delivery(database, write(tmp_path, {**_NO_ROWS, **_REFERENCES, **rows}), LoadSettings())
    assert [count for count, *_ in checksums(database)] == [1, 1]


def test_two_loads_of_the_same_files_at_once(database: Database, tmp_path: Path) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for group in range(50):
        for table, row in life(f"{group:03}"):
            rows[table].append(row)
    folder = write(tmp_path, {**_NO_ROWS, **_REFERENCES, **rows})
    ended: list[str] = []

    def run() -> None:
        try:
            load_delivery(database, folder, LoadSettings())
            ended.append("loaded")
        except DeliveryRefused as refusal:
            ended.append(str(refusal).splitlines()[0])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ended) <= {"loaded", "Another load is in progress."}
    assert "loaded" in ended
    run()
    assert ended[-1] == "loaded"
    ((groups, *_),) = checksums(database)
    assert groups == 50


@pytest.fixture
def program(
    tmp_path: Path, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[Program]:
    with fresh_database(postgres, maintenance) as database:
        yield Program(tmp_path / "home", database)


@pytest.mark.usefixtures("one_check_worker")
def test_the_same_file_three_times_and_two_copies_at_once(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for group in range(20):
        for table, row in life(f"{group:03}"):
            rows[table].append(row)
    folder = write(tmp_path / "delivery", {**_NO_ROWS, **_REFERENCES, **rows})
    arguments = ("run", "--source", str(folder), "--as-of", AS_OF)
    assert (said := program.call(*arguments)).exit_code == 0, said.output
    before = program.published(), checksums(program.database)

    command = "import sys; from orchestration.cli.main import main; sys.exit(main(sys.argv[1:]))"
    names = {"HOME": str(program.home), "DATABASE_URL": program.database.url}
    with environment({f"ATENDIMENTO_{key}": value for key, value in names.items()}):
        copies = [
            subprocess.Popen(
                [sys.executable, "-c", command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=os.environ.copy(),
            )
            for _ in range(2)
        ]
    ended = [(copy.communicate()[0], copy.returncode) for copy in copies]
    assert 0 in {code for _, code in ended}, ended
    for output, code in ended:
        assert code == 0 or (code == 1 and "Another run is in progress" in output), output
    assert (program.published(), checksums(program.database)) == before

    assert (said := program.call(*arguments)).exit_code == 0, said.output
    assert (program.published(), checksums(program.database)) == before
    with program.database.connect() as conn:
        loads = conn.execute(
            "select sum(rows_new), sum(rows_read - rows_known) from ops.delivery_file"
            " group by delivery_id order by delivery_id"
        ).fetchall()
    assert all(load == (0, 0) for load in loads[1:]), "every row was known"
    with capsys.disabled():
        codes = sorted(code for _, code in ended)
        print(f"\nThe same delivery {len(loads)} times, exit codes of two at once {codes}: equal")
