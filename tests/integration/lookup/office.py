"""A published demo with its pages, and people at their browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient

from orchestration.access.roles import Logins
from orchestration.postgres import session
from orchestration.postgres.database import Database
from reports import editions
from reports.editions import Edition
from reports.lookup import accounts
from reports.lookup.app import create_app
from reports.lookup.config import HashCost, LookupConfig
from reports.lookup.passwords import Hasher
from reports.write import write_pages

AS_OF = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
CHEAP = HashCost(passes=1, memory=8, lanes=1)
PASSWORD = "trilho-verde-7"
ADDRESS = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the demo and the companies they may see, as the delivery says."""

    user_id: str
    login: str
    name: str
    company_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Office:
    """The published demo. `director` sees all companies, `manager` one, `attendant` own rows."""

    database: Database
    logins: Logins
    publish_dir: Path
    edition: str
    companies: tuple[str, ...]
    director: Person
    manager: Person
    attendant: Person
    colleague: Person
    inactive: Person

    @property
    def config(self) -> LookupConfig:
        """What the app is told, with cheap passwords and little patience."""
        return LookupConfig(
            page_database=self.logins.page.url,
            sign_in_database=self.logins.sign_in.url,
            pin=session.pin,
            publish_dir=self.publish_dir,
            hash_cost=CHEAP,
            connections=4,
            patience_seconds=2,
        )

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the owner of the database gets."""
        with self.database.connect() as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def forget_access(self) -> None:
        """Nobody has an account, a session or an entry; all people get the password."""
        with self.database.connect() as conn:
            conn.execute(
                "truncate access.account, access.session, access.failed_sign_in,"
                " access.openid_state"
            )
            conn.execute("select access.forget_log('infinity')")
            hashed = Hasher(CHEAP).hash(PASSWORD)
            for person in (
                self.director,
                self.manager,
                self.attendant,
                self.colleague,
                self.inactive,
            ):
                accounts.set_password(conn, person.user_id, hashed, must_change=False)


def write_edition(database: Database, publish_dir: Path, as_of: datetime = AS_OF) -> str:
    """Write and activate the pages of what is published; the edition's name."""
    name = editions.edition_name(as_of, "11112222")
    with database.connect() as conn:
        conn.execute("set search_path = marts")
        conn.commit()
        edition = Edition(as_of=as_of, generated_at=as_of, run_id="11112222-run", stale_hours=24.0)
        write_pages(conn, editions.create_edition_folder(publish_dir, name), edition=edition)
    editions.activate_edition(publish_dir, name)
    for beside in ("qualidade.html", "edicoes.html"):
        (publish_dir / beside).write_text("<p>página</p>", encoding="utf-8")
    return name


@contextmanager
def running(config: LookupConfig) -> Iterator[Starlette]:
    """The app, connected."""
    app = create_app(config)
    with app.state.services.opened():
        yield app


class Browser(TestClient):
    """Somebody's browser; it keeps cookies and does not follow redirects by itself."""

    def __init__(self, app: Starlette, address: str = "127.0.0.1", base: str = ADDRESS) -> None:
        super().__init__(
            app,
            base_url=base,
            client=(address, 50_000),
            follow_redirects=False,
            raise_server_exceptions=True,
        )

    def form(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the token of the page that is shown at `/`, or of its own."""
        if "csrf" not in fields:
            fields["csrf"] = token_of(self.get("/entrar" if path == "/entrar" else "/senha").text)
        return self.post(path, data=fields)

    def sign_in(self, login: str, password: str = PASSWORD, path: str = "/") -> httpx.Response:
        """Fill in the form and send it."""
        return self.form("/entrar", usuario=login, senha=password, ir=path)

    def search(self, sought: str) -> httpx.Response:
        """Fill in the search, send it, and go where that leads."""
        sent = self.form("/busca", q=sought)
        return self.get(sent.headers["location"]) if sent.status_code == 303 else sent

    def session_cookie(self) -> str:
        """The token that the browser has now."""
        return self.cookies.get("atendimento") or ""


def token_of(html: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([\w-]{43})"', html)
    assert found, "no form in the page"
    return found[1]


def with_config(office: Office, **changes: object) -> LookupConfig:
    """The office's configuration with other values."""
    return replace(office.config, **changes)  # type: ignore[arg-type]
