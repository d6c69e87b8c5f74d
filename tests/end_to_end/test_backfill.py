"""The history of past days: the same as a run of that day's end would have written, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from pipeline import Program, environment

from orchestration.launch import backfill
from orchestration.postgres.database import Database
from orchestration.publication.swap import PublicationError, record_history, swap_schemas
from orchestration.runs.bootstrap import backfill_lock, run_lock

AS_OF = "2026-11-20T12:00:00-03:00"
END_OF_THE_18TH = "2026-11-18T23:59:59.999999-03:00"

Rows = list[tuple[object, ...]]


@pytest.fixture
def quick_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of the published totals as of another instant: what is counted is not looked at."""

    def build(database: Database, as_of: datetime, *_: object, **__: object) -> list[object]:
        with database.connect() as conn:
            conn.execute("create schema marts_next")
            for table in ("company", "totalizer"):
                copy = f"create table marts_next.{table} as select * from marts.{table}"
                conn.execute(copy.encode())
                conn.execute(f"update marts_next.{table} set as_of = %s".encode(), [as_of])
        return []

    monkeypatch.setattr(backfill, "build", build)


def history(program: Program, day: str) -> Rows:
    with program.database.connect() as conn:
        return conn.execute(
            "select * from history.totalizer_history where snapshot_date = %s order by 1, 2, 3, 4",
            [day],
        ).fetchall()


def invent(program: Program, day: str) -> Rows:
    """A set of history that no computation gives."""
    with program.database.connect() as conn:
        conn.execute("delete from history.totalizer_history where snapshot_date = %s", [day])
        conn.execute(
            "insert into history.totalizer_history values ('nobody', %s, 'active', 'sent', 7, %s)",
            [day, AS_OF],
        )
    return history(program, day)


def test_a_day_is_what_a_run_of_its_end_writes_and_nothing_else_changes(program: Program) -> None:
    said = program.call("run", "--source", program.home / "demo", "--as-of", END_OF_THE_18TH)
    assert said.exit_code == 0, said.output
    by_the_run = history(program, "2026-11-18")
    assert len(by_the_run) > 20
    of_the_20th, of_the_16th = history(program, "2026-11-20"), invent(program, "2026-11-16")
    for day in ("2026-11-17", "2026-11-18"):
        invent(program, day)
    tables, pages = program.published(), program.pages()
    del tables["totalizer_history"]

    said = program.call("backfill", "--from", "2026-11-17", "--to", "2026-11-18")

    assert said.exit_code == 0, said.output
    assert said.last_line == "Days of history computed: 2."
    assert history(program, "2026-11-18") == by_the_run
    computed = history(program, "2026-11-17")
    assert len(computed) > 20
    assert {row[-1] for row in computed} == {datetime(2026, 11, 18, 2, 59, 59, 999999, UTC)}
    assert "nobody" not in {row[0] for row in computed}
    assert [row[2:5] for row in computed] != [row[2:5] for row in by_the_run]
    assert history(program, "2026-11-20") == of_the_20th
    assert history(program, "2026-11-16") == of_the_16th
    after = program.published()
    del after["totalizer_history"]
    assert (after, program.pages()) == (tables, pages)
    with program.database.connect() as conn:
        assert conn.execute("select count(*) from ops.publication").fetchone() == (2,)
        assert conn.execute("select to_regnamespace('marts_next')").fetchone() == (None,)


@pytest.mark.usefixtures("quick_build")
def test_a_done_day_is_left_until_asked_again_or_something_is_loaded(program: Program) -> None:
    day = "2026-11-12"
    call = ("backfill", "--from", day, "--to", day)
    assert program.call(*call).exit_code == 0
    computed, invented = history(program, day), invent(program, day)

    said = program.call(*call)
    assert said.last_line.startswith("Days of history computed: 0. Done before: 1"), said.output
    assert history(program, day) == invented

    assert program.call(*call, "--force").exit_code == 0
    assert history(program, day) == computed

    with program.database.connect() as conn:
        conn.execute(
            "insert into ops.delivery (source, run_id, started_at, status)"
            " values ('late', 'late', %s, 'loaded')",
            [AS_OF],
        )
    assert program.call(*call).last_line == "Days of history computed: 1."
    assert program.call(*call, GROUP_TIMEZONE="UTC").last_line == "Days of history computed: 1."


def test_a_killed_backfill_goes_on_where_it_was(program: Program) -> None:
    settings = {"HOME": str(program.home), "DATABASE_URL": program.database.url}
    command = "import sys; from orchestration.cli.main import main; sys.exit(main(sys.argv[1:]))"
    call = ("backfill", "--from", "2026-11-01", "--to", "2026-11-02")
    with (
        environment({f"ATENDIMENTO_{key}": value for key, value in settings.items()}),
        subprocess.Popen(
            [sys.executable, "-c", command, *call], stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr
        assert any(line.startswith("2026-11-01 done") for line in process.stderr)
        assert any(line.startswith("2026-11-02 started") for line in process.stderr)
        os.kill(process.pid, signal.SIGKILL)
    assert history(program, "2026-11-01")
    assert history(program, "2026-11-02") == []

    said = program.call(*call)

    assert said.last_line.startswith("Days of history computed: 1. Done before: 1"), said.output
    assert history(program, "2026-11-02")


@pytest.mark.usefixtures("quick_build")
def test_it_goes_on_whatever_is_loaded_between_two_calls(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("backfill", "--from", "2026-10-04", "--to", "2026-10-06")
    built, build = [], backfill.build

    def stops(database: Database, as_of: datetime, *others: object, **how: object) -> object:
        built.append(as_of.date().isoformat())
        if len(built) in (2, 5):
            raise psycopg.errors.DiskFull("secret")
        return build(database, as_of, *others, **how)

    def load() -> None:
        with program.database.connect() as conn:
            conn.execute(
                "insert into ops.delivery (source, run_id, started_at, status)"
                " values ('between', 'between', %s, 'loaded')",
                [AS_OF],
            )

    monkeypatch.setattr(backfill, "build", stops)
    said = program.call(*call)
    assert (said.exit_code, said.last_line) == (
        1,
        "Failed: The database ended the backfill at 2026-10-05: its disk is full. The history of "
        "that day is as it was, finished days stay. Make room there; then the same command does "
        "the others.",
    )
    load()
    assert program.call(*call).last_line.startswith("Days of history computed: 2. Done before: 1")
    # It ended: what is loaded now counts, and so does asking for it again.
    assert program.call(*call, "--force").exit_code == 1
    load()
    said = program.call(*call, "--force")
    assert said.last_line.startswith("Days of history computed: 3."), said.output
    assert program.call(*call).last_line.startswith("Days of history computed: 0. Done before: 3")
    load()
    assert program.call(*call).last_line == "Days of history computed: 3."


def test_ctrl_c_says_that_the_same_command_goes_on(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backfill, "build", interrupted)
    said = program.call("backfill", "--from", "2026-10-01", "--to", "2026-10-02")
    assert said.exit_code == 1
    assert (
        said.last_line == "Interrupted. Finished days stay; the same command computes the others."
    )


def test_a_day_before_any_data_has_an_empty_set(program: Program) -> None:
    invent(program, "1999-12-31")
    call = ("backfill", "--from", "1999-12-31", "--to", "1999-12-31")
    said = program.call(*call)
    assert said.exit_code == 0, said.output
    assert "nothing to count" in said.output
    assert history(program, "1999-12-31") == []
    assert "Done before: 1" in program.call(*call).last_line


def test_a_failed_data_test_leaves_the_day_as_it_was(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backfill.build

    def one_fails(*arguments: object, **named: object) -> object:
        outcomes = real(*arguments, **named)  # type: ignore[arg-type]
        name = "assert_every_total_equals_its_rows"
        assert name in {outcome.name for outcome in outcomes}
        return [replace(o, status="fail", failures=7) if o.name == name else o for o in outcomes]

    monkeypatch.setattr(backfill, "build", one_fails)
    invented = invent(program, "2026-11-05")
    said = program.call("backfill", "--from", "2026-11-05", "--to", "2026-11-05")
    assert said.exit_code == 3, said.output
    assert "assert_every_total_equals_its_rows (7 rows)" in said.last_line
    assert history(program, "2026-11-05") == invented


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2026-11-03", "2026-11-02", "2026-11-03 is after 2026-11-02"),
        ("2026-11-03", "9998-01-01", "9998-01-01 is not over yet in America/Sao_Paulo"),
        ("03/11/2026", "2026-11-04", "'03/11/2026' is not a date: write it as 2026-11-20"),
    ],
)
def test_days_that_cannot_be_asked_for_are_wrong_usage(
    program: Program, first: str, last: str, says: str
) -> None:
    said = program.call("backfill", "--from", first, "--to", last)
    assert said.exit_code == 2
    assert says in said.last_line


def test_a_day_is_over_at_its_midnight() -> None:
    zone = "America/Sao_Paulo"
    backfill._assert_over(date(2026, 11, 20), date(2026, 11, 21), zone)
    with pytest.raises(backfill.InvalidDates, match="can be asked for is 2026-11-19"):
        backfill._assert_over(date(2026, 11, 20), date(2026, 11, 20), zone)


def test_nothing_loaded_is_said(database: Database, tmp_path: Path) -> None:
    call = ("backfill", "--from", "2026-11-01", "--to", "2026-11-02")
    said = Program(tmp_path, database).call(*call)
    assert said.exit_code == 1
    assert said.last_line.startswith("Failed: Nothing is loaded yet")


def test_one_at_a_time(program: Program) -> None:
    call = ("backfill", "--from", "2026-09-01", "--to", "2026-09-01")
    with run_lock(program.database):
        said = program.call(*call)
        assert (said.exit_code, "Another run is in progress" in said.last_line) == (1, True)
    with backfill_lock(program.database):
        said = program.call(*call)
        assert (said.exit_code, "Another backfill is in progress" in said.last_line) == (1, True)
    assert history(program, "2026-09-01") == []


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as conn:
        conn.execute("create schema marts_next")
        conn.execute(
            "create table marts_next.totalizer (company_id text, totalizer text, bucket text,"
            " agenda_count bigint, as_of timestamptz)"
        )
        conn.execute("create table marts_next.company (company_id text, as_of timestamptz)")
        yield conn


def test_a_run_of_the_day_makes_it_due_again(conn: psycopg.Connection) -> None:
    for day in ("2026-11-19", "2026-11-20"):
        conn.execute("insert into ops.backfill_day values (%s, %s, 1)", [day, AS_OF])
    record_history(conn, date(2026, 11, 20))
    done = conn.execute("select snapshot_date::text from ops.backfill_day").fetchall()
    assert done == [("2026-11-19",)]


def test_what_a_killed_backfill_left_is_not_published(conn: psycopg.Connection) -> None:
    """Tables of a run that a check stopped, one of them built anew for another day."""
    conn.execute("insert into marts_next.company values ('c', %s)", [AS_OF])
    conn.execute(
        "insert into marts_next.totalizer values ('c', 'active', 'sent', 1, %s)", [END_OF_THE_18TH]
    )
    with pytest.raises(PublicationError, match=r"marts_next\.totalizer was built as of 2026-11-19"):
        swap_schemas(
            conn,
            run_id="run",
            as_of=datetime.fromisoformat(AS_OF),
            group_timezone="America/Sao_Paulo",
            edition="edition",
            expected=("company", "totalizer"),
        )
