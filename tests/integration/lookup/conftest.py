"""The office that the tests of the lookup page share: published once, signed out before each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
import uvicorn
from starlette.applications import Starlette
from tests_database import fresh_database

from orchestration.access import roles
from orchestration.demo import write_demo
from orchestration.http_server.listening import bind_socket
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.lookup_server import serve
from orchestration.postgres.database import Database
from orchestration.settings import Settings
from tests.integration.lookup.office import AS_OF, Browser, Office, Person, running, write_edition
from tests.oracle import warehouse


@pytest.fixture(scope="session")
def published_office(
    tmp_path_factory: pytest.TempPathFactory, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[Office]:
    """A demo of 1,000 agendas, loaded, built, published, with pages."""
    folder = tmp_path_factory.mktemp("office")
    write_demo(folder / "demo", agendas=1000, as_of=AS_OF)
    with fresh_database(postgres, maintenance) as database:
        load_delivery(database, folder / "demo", LoadSettings())
        warehouse.publish(database, AS_OF, folder / "dbt")
        logins = roles.page_logins(Settings(home=folder), database)
        edition = write_edition(database, folder / "published")
        yield _office(database, logins, folder, edition)


def _office(database: Database, logins: roles.Logins, folder, edition: str) -> Office:  # type: ignore[no-untyped-def]
    with database.connect() as conn:
        rows = conn.execute(
            """
            select user_id, login, full_name, role, active,
                array(
                    select app_user.company_id union
                    select company_id from raw.user_company
                    where user_company.user_id = app_user.user_id
                ) as companies
            from raw.app_user
            order by user_id
            """
        ).fetchall()
        companies = tuple(
            company for (company,) in conn.execute("select company_id from raw.company order by 1")
        )
    people = [(role, active, Person(*row, frozenset(seen))) for *row, role, active, seen in rows]
    managers = [one for role, _, one in people if role == "manager"]
    attendants = [one for role, active, one in people if role == "attendant" and active]
    manager = next(one for one in managers if one.company_ids == {companies[1]})
    own = [one for one in attendants if one.company_ids == {companies[1]}]
    return Office(
        database,
        logins,
        folder / "published",
        edition,
        companies,
        director=next(one for one in managers if one.company_ids == set(companies)),
        manager=manager,
        attendant=own[0],
        colleague=next(one for one in attendants if not one.company_ids & manager.company_ids),
        inactive=next(one for role, active, one in people if not active),
    )


@pytest.fixture
def office(published_office: Office) -> Office:
    """The office, with nobody signed in and every account as it was."""
    published_office.forget_access()
    return published_office


@pytest.fixture(scope="session")
def shared_app(published_office: Office) -> Iterator[Starlette]:
    """One app for most tests."""
    with running(published_office.config) as app:
        yield app


@pytest.fixture
def app(shared_app: Starlette, office: Office) -> Starlette:
    """The app over an office in which nobody is signed in, come back from what cut it off."""
    until = time.monotonic() + 30
    while Browser(shared_app).get("/health").status_code != 200 and time.monotonic() < until:
        time.sleep(0.1)
    return shared_app


@pytest.fixture
def browser(app: Starlette) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


@pytest.fixture
def served(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page as `atendimento serve` serves it, on a port; its address."""
    servers: list[uvicorn.Server] = []
    run = uvicorn.Server.run

    def run_noted(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        servers.append(server)
        run(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", run_noted)
    settings = Settings(publish_dir=office.publish_dir)
    listening = bind_socket("127.0.0.1", 0)
    thread = threading.Thread(
        target=serve.serve_lookup, args=(settings, office.logins, listening, "127.0.0.1")
    )
    thread.start()
    try:
        while not (servers and servers[0].started):
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        servers[0].should_exit = True
        thread.join()
