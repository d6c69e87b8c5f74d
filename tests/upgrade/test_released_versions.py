"""State made by every released version goes on under this one, as if it had been made by it.

`<version>.sql.gz` is the database that the version left after a run of the delivery `first/`. 0.2.0
also has an account and two backfilled days; later ones these, the WhatsApp events of `events/`, and
an erased client. `second/` comes after it, to this version. All are made-up rows of a demo.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pipeline import Program, environment
from psycopg import sql
from tests_database import fresh_database

from orchestration import VERSION
from orchestration.access import roles
from orchestration.lookup_server import serve
from orchestration.postgres.database import Database
from orchestration.postgres.server_place import installed_programs
from orchestration.settings import Settings, load_settings
from reports.lookup import accounts, lookup_labels
from reports.lookup.passwords import Hasher
from tests.integration.lookup.office import CHEAP, PASSWORD, Browser, running
from tests.upgrade.catalogue import catalogue

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.4.0")
HERE = Path(__file__).parent
FIRST, SECOND = "2026-11-20T10:30:00-03:00", "2026-11-21T12:00:00-03:00"
MANAGER = "ana.maia"
# What each run makes anew, and what is not rows of ours.
_OWN_OF_A_RUN = (
    "('access_log', 'session', 'failed_sign_in', 'migration', 'retention_run', 'alarm',"
    " 'attempt', 'tidied', 'made')"
)
ERASED = "L00000042"  # in the state of 0.3.0
_RENAMED = {
    "access.tombstone": "access.erased_client",
    "access.erased_secret": "access.erasure_key",
    "access.to_compact": "access.pending_vacuum",
    "raw.whatsapp_aside": "raw.whatsapp_unhandled",
}

pytestmark = [
    pytest.mark.usefixtures("one_check_worker"),
    pytest.mark.skipif(
        "ATENDIMENTO_TEST_DATABASE_URL" in os.environ,
        reason="the dumps name the roles of the embedded server",
    ),
]


@dataclass(frozen=True, slots=True)
class Trial:
    """Where one state after the other is put."""

    folder: Path
    postgres: Database
    maintenance: psycopg.Connection

    @contextmanager
    def program(self, version: str = "") -> Iterator[Program]:
        """A new home and database; empty, or as that version left it."""
        home = self.folder / (version or "fresh")
        home.mkdir()
        with fresh_database(self.postgres, self.maintenance, "template0") as database:
            if version:
                psql = str(installed_programs() / "psql")
                subprocess.run(
                    [psql, "-qX", "-v", "ON_ERROR_STOP=1", database.url],
                    input=gzip.decompress((HERE / f"{version}.sql.gz").read_bytes()),
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            yield Program(home, database)


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
            _RENAMED.get(f"{schema}.{table}", f"{schema}.{table}"): conn.execute(
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
class State:
    """What is published, the rows of each table, and the history."""

    published: dict[str, tuple[int, int]]
    rows: dict[str, int]
    history: list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What this version makes of both deliveries; `erased`: with the events and the erasure too."""

    trial: Trial
    catalogue: dict[str, set[tuple[object, ...]]]
    plain: State
    erased: State


def state_of(program: Program) -> State:
    return State(program.published(), rows(program), history(program))


@pytest.fixture
def trial(tmp_path: Path, postgres: Database, maintenance: psycopg.Connection) -> Trial:
    return Trial(tmp_path, postgres, maintenance)


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
        plain = state_of(program)
        shutil.copytree(HERE / "events", program.home / "whatsapp", dirs_exist_ok=True)
        erased = program.call("erase", ERASED)
        assert erased.exit_code == 0, erased.output
        run(program, "second", SECOND)
        return Fresh(trial, catalogue(program.database), plain, state_of(program))


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


def kept_rows(program: Program) -> dict[str, int]:
    """How many rows of each table a migration keeps there.

    Of a table that WhatsApp events had changed, those of its twin, as they were delivered.
    """
    counts = rows(program)
    return {
        table: counts.get(f"{table}_delivered", count)
        for table, count in counts.items()
        if count and not table.endswith(("_delivered", ".alarm_telling", ".notify_channel"))
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_state_of_a_released_version_is_migrated(
    trial: Trial, database: Database, version: str
) -> None:
    with trial.program(version) as program:
        before, known = kept_rows(program), history(program)
        assert before["raw.agenda"]
        assert known

        settings = settings_of(program)
        opened, _ = serve.prepare_lookup_server(settings)

        if version != VERSION:
            told = serve.startup_messages(settings, opened)
            assert any("atendimento run" in line for line in told)
            status, html = search(settings, program)
            # Their published tables lack what the page reads.
            assert (status, lookup_labels.OTHER_VERSION.title in html) == (503, True)
        there, fresh = catalogue(program.database), catalogue(database)
        assert {what: there[what] ^ fresh[what] for what in fresh} == {
            what: set() for what in fresh
        }
        after = rows(program)
        fewer = {name for name, count in before.items() if after.get(name, 0) < count}
        # Replies that were clicked in WhatsApp are read from its events.
        assert fewer == ({"raw.reply"} if version == "0.3.0" else set())
        assert history(program) == known
        if version == VERSIONS[-1]:
            run(program, "second", SECOND)
            assert set(history(program)) > set(known)
            assert search(settings, program)[0] == 200


@pytest.mark.proof
@pytest.mark.parametrize("version", VERSIONS)
def test_state_of_a_released_version_goes_on(fresh: Fresh, version: str) -> None:
    with fresh.trial.program(version) as program:
        expected = fresh.erased if version in ("0.3.0", "0.4.0") else fresh.plain
        before, known = kept_rows(program), history(program)
        settings = settings_of(program)
        database, _ = serve.prepare_lookup_server(settings)

        if version == "0.3.0":
            assert stat.S_IMODE((program.home / "erasure.key").stat().st_mode) == 0o600
        run(program, "second", SECOND)

        assert serve.startup_messages(settings, database) == []
        assert search(settings, program)[0] == 200
        assert catalogue(program.database) == fresh.catalogue
        assert program.published() == expected.published | {
            "totalizer_history": program.published()["totalizer_history"]
        }
        after = rows(program)
        del before["raw.rejected_row"]  # what was parked found what it refers to
        assert {name: after[name] for name in after if name.startswith("raw.")} == {
            name: count for name, count in expected.rows.items() if name.startswith("raw.")
        }
        assert [name for name, count in before.items() if after.get(name, 0) < count] == []
        # Days of before keep the totals of the version that computed them.
        days = {row[1] for row in known}
        new = {row for row in expected.history if row[1] not in days}
        assert new
        assert set(history(program)) == set(known) | new


def test_the_version_is_that_of_the_package(root: Path) -> None:
    assert f'\nversion = "{VERSION}"\n' in (root / "pyproject.toml").read_text(encoding="utf-8")
