"""State made by every released version goes on under this one, as if it had been made by it.

`<version>.sql.gz` is the database that the version left after a run of the delivery `first/` (0.2.0
also has an account and two backfilled days); `second/` comes after it, to this version. Both are
made-up rows of a demo.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pipeline import Program, environment
from psycopg import sql

from orchestration import VERSION
from orchestration.access import roles
from orchestration.lookup_server import serve
from orchestration.postgres import embedded, migrate
from orchestration.postgres.database import Database, DatabaseError
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings, load_settings
from reports.lookup import accounts, lookup_labels
from reports.lookup.passwords import Hasher
from tests.integration.lookup.office import CHEAP, PASSWORD, Browser, running
from tests.upgrade.catalogue import catalogue

VERSIONS = ("0.1.0", "0.2.0")
HERE = Path(__file__).parent
FIRST, SECOND = "2026-11-20T10:30:00-03:00", "2026-11-21T12:00:00-03:00"
MANAGER = "ana.maia"
# What each run makes anew, and what is not rows of ours.
_OWN_OF_A_RUN = "('access_log', 'session', 'attempt', 'migration', 'tidied', 'alarm')"

pytestmark = [
    pytest.mark.usefixtures("one_check_worker"),
    pytest.mark.skipif(
        "ATENDIMENTO_TEST_DATABASE_URL" in os.environ,
        reason="the dumps name the roles of the embedded server",
    ),
]


@dataclass(frozen=True, slots=True)
class Trial:
    """Where one state after the other is put: one name, for which dbt parses the project once."""

    folder: Path
    postgres: Database
    maintenance: psycopg.Connection

    @contextmanager
    def program(self, version: str = "") -> Iterator[Program]:
        """A new home and database; empty, or as that version left it."""
        name = f"test_upgrade_{os.getpid()}"
        home = self.folder / (version or "fresh")
        home.mkdir()
        if (self.folder / "dbt").exists():
            shutil.copytree(self.folder / "dbt", home / "dbt")
        database = self.postgres.named(name)
        self.maintenance.execute(
            sql.SQL("create database {} template template0 owner {}").format(
                sql.Identifier(name), sql.Identifier(embedded.OWNER)
            )
        )
        try:
            if version:
                subprocess.run(
                    [
                        str(embedded.programs() / "psql"),
                        "-qX",
                        "-v",
                        "ON_ERROR_STOP=1",
                        database.url,
                    ],
                    input=gzip.decompress((HERE / f"{version}.sql.gz").read_bytes()),
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            yield Program(home, database)
        finally:
            if (home / "dbt").exists() and not (self.folder / "dbt").exists():
                shutil.copytree(home / "dbt", self.folder / "dbt")
            self.maintenance.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )


def run(program: Program, delivery: str, as_of: str) -> None:
    said = program.call("run", "--source", HERE / delivery, "--as-of", as_of)
    assert said.exit_code == 0, said.output


def rows(program: Program) -> dict[str, int]:
    """How many rows each table has whose rows stay."""
    with program.database.connect() as conn:
        tables = conn.execute(
            "select schemaname, tablename from pg_tables"
            " where schemaname in ('raw', 'ops', 'history', 'access')"
            f" and tablename not in {_OWN_OF_A_RUN}".encode()
        ).fetchall()
        return {
            f"{schema}.{table}": conn.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
            ).fetchone()[0]  # type: ignore[index]
            for schema, table in tables
        }


def history(program: Program) -> list[tuple[object, ...]]:
    with program.database.connect() as conn:
        return conn.execute(
            "select * from history.totalizer_history order by 1, 2, 3, 4"
        ).fetchall()


@dataclass(frozen=True, slots=True)
class Fresh:
    """What this version makes of both deliveries."""

    trial: Trial
    catalogue: dict[str, set[tuple[object, ...]]]
    published: dict[str, tuple[int, int]]
    rows: dict[str, int]
    history: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def fresh(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Database,
    maintenance: psycopg.Connection,
    one_check_worker: None,
) -> Fresh:
    trial = Trial(tmp_path_factory.mktemp("upgrade"), postgres, maintenance)
    with trial.program() as program:
        run(program, "first", FIRST)
        run(program, "second", SECOND)
        return Fresh(
            trial,
            catalogue(program.database),
            program.published(),
            rows(program),
            history(program),
        )


def settings_of(program: Program) -> Settings:
    with environment(
        {"ATENDIMENTO_HOME": str(program.home), "ATENDIMENTO_DATABASE_URL": program.database.url}
    ):
        return load_settings(Path("/nonexistent/.env"))


def search(settings: Settings, program: Program) -> tuple[int, str]:
    """What a manager who signs in and searches is answered."""
    logins = roles.page_logins(settings, program.database)
    with program.database.connect() as conn:
        (user,) = conn.execute(
            "select user_id from raw.app_user where login = %s", [MANAGER]
        ).fetchone() or ("",)
        accounts.set_password(conn, user, Hasher(CHEAP).hash(PASSWORD), must_change=False)
    with running(serve.lookup_config(settings, logins, "127.0.0.1")) as app:
        browser = Browser(app)
        entered = browser.sign_in(MANAGER)
        answer = browser.search("a") if entered.status_code == 303 else entered
        return answer.status_code, answer.text


@pytest.mark.parametrize("version", VERSIONS)
def test_state_of_a_released_version_goes_on(fresh: Fresh, version: str) -> None:
    with fresh.trial.program(version) as program:
        before = {table: count for table, count in rows(program).items() if count}
        known = history(program)
        assert before["raw.agenda"]
        assert known

        settings = settings_of(program)
        database, _ = serve.prepare_lookup_server(settings)
        assert any("atendimento run" in line for line in serve.startup_messages(settings, database))
        status, html = search(settings, program)
        assert (status, lookup_labels.OTHER_VERSION.title in html) == (503, True)

        run(program, "second", SECOND)

        assert serve.startup_messages(settings, database) == []
        assert search(settings, program)[0] == 200
        assert catalogue(program.database) == fresh.catalogue
        assert program.published() == fresh.published | {
            "totalizer_history": program.published()["totalizer_history"]
        }
        after = rows(program)
        del before["raw.rejected_row"]  # what was parked found what it refers to
        assert {name: after[name] for name in after if name.startswith("raw.")} == {
            name: count for name, count in fresh.rows.items() if name.startswith("raw.")
        }
        assert [name for name, count in before.items() if after.get(name, 0) < count] == []
        # 0.2.0 has two days more: a backfill's, of before.
        assert set(history(program)) == set(fresh.history) | set(known)


def test_migrations_are_applied_in_order_and_once(database: Database) -> None:
    migrations = (
        migrate.Migration("a", "create schema raw; create table raw.thing (old text)"),
        migrate.Migration("b", "alter table raw.thing rename column old to new"),
    )
    with database.connect() as conn:
        assert migrate.migrate(conn, migrations, "0.4.0") == ["a", "b"]
        assert migrate.migrate(conn, migrations, "0.4.0") == []
        assert conn.execute("select name, program from ops.migration order by 1").fetchall() == [
            ("0.4.0", "0.4.0"),
            ("a", "0.4.0"),
            ("b", "0.4.0"),
        ]
        conn.execute("select new from raw.thing")


def test_a_migration_that_fails_is_undone_and_tried_again(database: Database) -> None:
    first = migrate.Migration("a", "create schema raw")
    broken = migrate.Migration("b", "create table raw.thing (x int); select 1 / 0")
    mended = migrate.Migration("b", "create table raw.thing (x int)")
    with database.connect() as conn:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate.migrate(conn, (first, broken), "0.4.0")
        assert conn.execute("select to_regclass('raw.thing')").fetchone() == (None,)
        conn.rollback()
        assert migrate.migrate(conn, (first, mended), "0.4.0") == ["b"]


def test_a_database_of_a_newer_version_is_refused_and_not_touched(
    database: Database, tmp_path: Path
) -> None:
    program = Program(tmp_path, database)
    settings = settings_of(program)
    open_database(settings)
    with database.connect() as conn:
        migrate.migrate(conn, (), "0.10.0")
    before = catalogue(database)

    with pytest.raises(
        DatabaseError, match=f"version 0.10.0 of the program, and this is {VERSION}"
    ):
        open_database(settings)

    assert catalogue(database) == before
    assert "Nothing was changed" in program.call("run", "--source", HERE / "first").last_line


def test_a_column_that_an_earlier_contract_did_not_have_is_added(database: Database) -> None:
    from orchestration.ingest import raw_tables
    from orchestration.ingest.whatsapp import store

    def prepare() -> dict[str, set[tuple[object, ...]]]:
        with database.connect() as conn:
            raw_tables.create_raw_tables(conn)
            store.create_event_tables(conn)
        return catalogue(database)

    whole = prepare()
    with database.connect() as conn:
        for table in ("client", "client_delivered"):
            conn.execute(f"alter table raw.{table} drop column email".encode())
    assert prepare() == whole


def test_the_version_is_that_of_the_package(root: Path) -> None:
    assert f'\nversion = "{VERSION}"\n' in (root / "pyproject.toml").read_text(encoding="utf-8")
