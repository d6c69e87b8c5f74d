"""One browser for all tests of this folder, and the publish folders they look at.

Without a browser the tests skip and say what was looked for; in CI, which sets
`ATENDIMENTO_TEST_BROWSER_REQUIRED`, they fail instead. The browser is closed before other tests
begin: Playwright leaves an event loop running in the thread as long as it is open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext
from tests_database import fresh_database

from orchestration.postgres.database import Database
from tests.browser import chromium, publication
from tests.browser.large_tables import ROWS_TO_FILTER, fill_large
from tests.browser.publication import Publication
from tests.unit.reports import ops_tables
from tests.unit.reports.published_tables import create, fill

ROWS_ON_PAPER = 120


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; skips when there is none, or fails where one is required."""
    try:
        program = chromium.find()
    except chromium.NoBrowser as missing:
        if os.environ.get(chromium.REQUIRED):
            pytest.fail(f"{missing}; {chromium.REQUIRED} is set")
        pytest.skip(str(missing))
    with chromium.started(program) as opened:
        yield opened


@pytest.fixture(scope="package")
def reader(browser: Browser) -> Iterator[BrowserContext]:
    """A reader of pages."""
    with chromium.reader(browser) as context:
        yield context


@pytest.fixture(scope="package")
def reader_without_script(browser: Browser) -> Iterator[BrowserContext]:
    """The same reader, whose browser runs no script of a page."""
    with chromium.reader(browser, script=False) as context:
        yield context


@pytest.fixture(scope="package")
def hostile(
    postgres: Database, maintenance: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Publication]:
    """The small group whose names are made to break pages."""
    with fresh_database(postgres, maintenance) as database, database.connect() as conn:
        create(conn)
        fill(conn)
        ops_tables.fill(conn)
        yield publication.write(conn, tmp_path_factory.mktemp("hostile") / "published")


@pytest.fixture(scope="package")
def long(
    postgres: Database, maintenance: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Publication]:
    """One company whose tables are longer than a sheet of paper."""
    with fresh_database(postgres, maintenance) as database, database.connect() as conn:
        create(conn)
        fill_large(conn, ROWS_ON_PAPER, agents=60)
        yield publication.write(conn, tmp_path_factory.mktemp("long") / "published")


@pytest.fixture(scope="package")
def large(
    postgres: Database, maintenance: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Publication]:
    """One company with a total of 5,000 rows."""
    with fresh_database(postgres, maintenance) as database, database.connect() as conn:
        create(conn)
        fill_large(conn, ROWS_TO_FILTER, agents=40)
        yield publication.write(conn, tmp_path_factory.mktemp("large") / "published")
