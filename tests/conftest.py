"""What every test may ask for: the repository's root, a database of its own, the whole program.

One server for each process of the tests; a fresh database costs one `create database … template`,
and so does a published one.
`ATENDIMENTO_TEST_DATABASE_URL` (a role that may create databases) replaces the embedded server.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from pipeline import Program
from psycopg import sql
from tests_database import fresh_database, migrated_template, start_server
from xdist.scheduler import LoadScopeScheduling

from orchestration.launch import daily_run
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.runs.check_runner import CheckRunner, open_check_runner
from orchestration.settings import Settings, load_settings

_LONG = ("faults", "upgrade", "end_to_end", "access")
# Fixtures of costly states: who names one goes to the process that made it.
_STATES = ("kept: Kept", "office: Office", "published: Published", "reader: BrowserContext")

settings.register_profile("proofs", settings.default, max_examples=2000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes the golden pages anew; read the difference before committing."""
    parser.addoption("--update-golden", action="store_true", help="write the golden pages anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests come first, so that no core waits for one at the end."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


class _StateScheduling(LoadScopeScheduling):
    """Gives a process one file at a time, or all files that share a costly state.

    pytest-xdist 3.8 does the same by marks, which it loses under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.partition("::")[0])


@cache
def _group(file: str) -> str:
    """The costly state that the tests of a file share with others, else the file."""
    text = (Path(__file__).parent.parent / file).read_text(encoding="utf-8")
    return next((state for state in _STATES if state in text), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _StateScheduling:
    """How pytest-xdist gives tests to processes."""
    return _StateScheduling(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A running server; its database is empty and stays so."""
    given = os.environ.get("ATENDIMENTO_TEST_DATABASE_URL")
    if given:
        yield Database(given)
        return
    # A short path outside the checkout: a Unix socket's name is at most 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    try:
        yield start_server(home / "postgres")
    finally:
        embedded.remove_server(home / "postgres")
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def maintenance(postgres: Database) -> Iterator[psycopg.Connection]:
    """A connection that may create databases."""
    url = os.environ.get("ATENDIMENTO_TEST_DATABASE_URL")
    with (
        psycopg.connect(url or postgres.named("postgres", "postgres").url, autocommit=True) as conn,
        migrated_template(postgres, conn),
    ):
        yield conn


@pytest.fixture
def database(postgres: Database, maintenance: psycopg.Connection) -> Iterator[Database]:
    """A database of the test's own, with all migrations applied."""
    with fresh_database(postgres, maintenance) as made:
        yield made


@pytest.fixture
def empty_database(postgres: Database, maintenance: psycopg.Connection) -> Iterator[Database]:
    """A database of the test's own without schemas of ours."""
    with fresh_database(postgres, maintenance, "template0") as made:
        yield made


@pytest.fixture(scope="session")
def one_check_worker() -> Iterator[None]:
    """One process with Great Expectations for all runs: each would import it anew, for seconds.

    A run of its own process, with a worker of its own, is what CI's last step does.
    """
    with open_check_runner(load_settings(Path("/nonexistent/.env"))) as checker:

        @contextmanager
        def shared(_: Settings) -> Iterator[CheckRunner]:
            yield checker

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CheckRunner, "warm", lambda _: None)
            patch.setattr(daily_run, "open_check_runner", shared)
            yield


@dataclass(frozen=True, slots=True)
class PublishedDemo:
    """A demo that was published once, and what the run printed. Tests get copies of it."""

    program: Program
    printed: str


@pytest.fixture(scope="session")
def published_demo(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Database,
    maintenance: psycopg.Connection,
    one_check_worker: None,
) -> Iterator[PublishedDemo]:
    """1,000 agendas in the folder `demo` of the home, published as of the noon of 2026-11-20."""
    home = tmp_path_factory.mktemp("published_demo")
    as_of = ("--as-of", "2026-11-20T12:00:00-03:00")
    with fresh_database(postgres, maintenance) as database:
        program = Program(home, database)
        said = program.call("demo", home / "demo", "--agendas", "1000", *as_of)
        assert said.exit_code == 0, said.output
        said = program.call("run", "--source", home / "demo", *as_of)
        assert said.exit_code == 0, said.output
        # A database is copied when nobody is connected to it; the check worker and Dagster stay so.
        name = database.parts["dbname"]
        maintenance.execute(
            sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name))
        )
        maintenance.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s",
            [name],
        )
        yield PublishedDemo(program, said.output)


@pytest.fixture(scope="module")
def program(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Database,
    maintenance: psycopg.Connection,
    published_demo: PublishedDemo,
) -> Iterator[Program]:
    """The program over the published demo, a copy of the module's own."""
    home = tmp_path_factory.mktemp("program") / "home"
    shutil.copytree(published_demo.program.home, home, symlinks=True)
    template = published_demo.program.database.parts["dbname"]
    with fresh_database(postgres, maintenance, template) as database:
        yield Program(home, database)


@pytest.fixture(scope="module")
def empty_program(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Database,
    maintenance: psycopg.Connection,
    one_check_worker: None,
) -> Iterator[Program]:
    """The program over an empty home and database, the module's own."""
    with fresh_database(postgres, maintenance) as database:
        yield Program(tmp_path_factory.mktemp("home"), database)
