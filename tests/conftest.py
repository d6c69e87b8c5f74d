"""What every test may ask for: the repository's root and a database of its own.

One server for each process of the tests; a fresh database costs one `create database … template`.
`ATENDIMENTO_TEST_DATABASE_URL` (a role that may create databases) replaces the embedded server.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests_database import fresh_database, migrated_template, start_server

from orchestration.launch import daily_run
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.runs.check_runner import CheckRunner, open_check_runner
from orchestration.settings import Settings, load_settings

_LONG = ("faults", "upgrade", "end_to_end", "access")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes the golden pages anew; read the difference before committing."""
    parser.addoption("--update-golden", action="store_true", help="write the golden pages anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests come first, so that no core waits for one at the end."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


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
    home.chmod(0o711)
    try:
        yield start_server(home / "postgres")
    finally:
        embedded.stop_server(home / "postgres", "immediate")
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
