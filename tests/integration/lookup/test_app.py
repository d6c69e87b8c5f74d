"""What stands before the routes: headers, host names, sizes, errors, health."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from reports.lookup.request_context import RequestContext, open_request_context
from tests.integration.lookup.office import Browser, Office, running, with_config

REQUIRED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def test_every_answer_has_the_headers(browser: Browser, office: Office) -> None:
    signed = Browser(browser.app)  # type: ignore[arg-type]
    signed.sign_in(office.director.login)
    paths = [
        "/", "/entrar", "/senha", "/acessos", "/health", "/nowhere", "/sair",
        "/relatorios/qualidade.html", "/relatorios/current/index.html", "/relatorios/../x",
    ]  # fmt: skip
    answers = [who.get(path) for who in (browser, signed) for path in paths]
    answers += [
        signed.post("/"),
        signed.post("/sair"),
        signed.get("/", headers={"host": "evil.example"}),
        signed.post("/sair", content=b"x" * 20_000),
    ]
    assert {answer.status_code for answer in answers} == {200, 400, 401, 403, 404, 405, 413}
    for answer in answers:
        for name, value in REQUIRED.items():
            assert answer.headers[name] == value, answer.url
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "permissions-policy" in answer.headers
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:8000:1", "", "127.0.0.1@evil"]
)
def test_an_unknown_host_name_is_refused(browser: Browser, host: str) -> None:
    answer = browser.get("/health", headers={"host": host})
    assert answer.status_code == 400
    assert "atendimento" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]", "[::1]:8"])
def test_known_host_names_are_answered_on_any_port(browser: Browser, host: str) -> None:
    assert browser.get("/health", headers={"host": host}).status_code == 200


def test_a_large_body_is_refused_whether_its_size_is_declared_or_not(browser: Browser) -> None:
    assert browser.post("/entrar", content=b"a" * 16_385).status_code == 413
    chunks = (b"a" * 1000 for _ in range(20))
    assert browser.post("/entrar", content=chunks).status_code == 413
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/entrar", content=b"a" * 16_384, headers=kind).status_code == 403


def test_unknown_paths_and_methods_have_a_plain_page(browser: Browser) -> None:
    for answer in (browser.get("/<script>alert(1)</script>"), browser.delete("/entrar")):
        assert answer.status_code in (404, 405)
        assert "Não encontrado" in answer.text
        assert "<script>" not in answer.text


def test_health_says_ok_and_no_secret(browser: Browser, office: Office) -> None:
    answer = browser.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "edition": office.edition}


def test_before_the_first_publication_it_says_so(office: Office, tmp_path: Path) -> None:
    with running(with_config(office, publish_dir=tmp_path)) as app:
        answer = Browser(app).get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    office.sql("alter schema marts rename to marts_elsewhere")
    try:
        with running(office.config) as app:
            browser = Browser(app)
            assert browser.get("/health").status_code == 503
            answer = browser.sign_in(office.manager.login)
            assert answer.status_code == 503
            assert "Ainda não há nada publicado" in answer.text
    finally:
        office.sql("alter schema marts_elsewhere rename to marts")


def test_while_the_database_is_away_people_get_a_plain_page_and_then_it_is_back(
    office: Office, maintenance: psycopg.Connection
) -> None:
    name = office.database.parts["dbname"]
    config = replace(office.config, patience_seconds=0.3)
    with running(config) as app:
        browser = Browser(app)
        assert browser.sign_in(office.manager.login).status_code == 303
        maintenance.execute(f"alter database {name} allow_connections false")
        try:
            disconnect(maintenance, name)
            for _ in range(2):
                answer = browser.get("/")
                assert answer.status_code == 503
                assert "Fora do ar" in answer.text
                assert answer.headers["retry-after"]
                assert name not in answer.text
            health = browser.get("/health")
            assert (health.status_code, health.json()["database"]) == (503, "away")
        finally:
            maintenance.execute(f"alter database {name} allow_connections true")
        for _ in range(40):
            if (answer := browser.get("/")).status_code == 200:
                break
        assert answer.status_code == 200, "back by itself, and still signed in"


def test_connections_cut_between_requests_are_not_noticed(
    browser: Browser, office: Office, maintenance: psycopg.Connection
) -> None:
    browser.sign_in(office.manager.login)
    for _ in range(3):
        disconnect(maintenance, office.database.parts["dbname"])
        assert browser.get("/").status_code == 200


def test_however_many_connections_a_restart_cut_the_next_request_is_answered_at_once(
    office: Office, maintenance: psycopg.Connection
) -> None:
    with running(office.config) as app:
        page = app.state.services.page
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        with ExitStack() as held:
            for _ in range(office.config.connections):
                held.enter_context(page.one())
        disconnect(maintenance, office.database.parts["dbname"])
        began = time.monotonic()
        assert browser.get("/").status_code == 200
        assert time.monotonic() - began < office.config.patience_seconds / 2


def disconnect(maintenance: psycopg.Connection, name: str) -> None:
    maintenance.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name]
    )


def test_a_connection_cut_in_the_middle_is_tried_again_once(
    app: Starlette, office: Office, maintenance: psycopg.Connection
) -> None:
    cut = []

    def view(visit: RequestContext) -> Response:
        if not cut:
            cut.append(True)
            disconnect(maintenance, office.database.parts["dbname"])
        visit.conn.execute("select 1")
        return Response("read")

    with extra_route(app, open_request_context(view)):
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        assert browser.get("/extra").text == "read"


def test_a_query_that_takes_too_long_ends_with_a_page(office: Office) -> None:
    def view(visit: RequestContext) -> Response:
        visit.conn.execute("select pg_sleep(10)")
        return Response("slept")

    with (
        running(replace(office.config, statement_seconds=0.2)) as app,
        extra_route(app, open_request_context(view)),
    ):
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        answer = browser.get("/extra")
        assert (answer.status_code, "demorou demais" in answer.text) == (503, True)


def test_an_error_nobody_foresaw_is_a_plain_page_and_its_words_are_not_logged(
    app: Starlette, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def view(visit: RequestContext) -> Response:
        raise ValueError(f"row of {visit.user.name} 11 98765-4321")

    caplog.set_level(logging.DEBUG)
    with extra_route(app, open_request_context(view)):
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        answer = browser.get("/extra?nome=Maria")
    assert (answer.status_code, "Algo deu errado" in answer.text) == (500, True)
    told = [record for record in caplog.records if record.name == "atendimento.lookup"]
    assert [record.levelname for record in told] == ["ERROR"]
    assert "ValueError at reports.lookup.request_context" in told[0].getMessage()
    # What the test's own client notes of its addresses is not the app's.
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))
    for word in (office.manager.name, "98765", "Maria"):
        assert word not in ours


class extra_route:
    """The app with one more address for the length of the `with` block."""

    def __init__(self, app: Starlette, endpoint: object) -> None:
        self.routes = app.router.routes
        self.route = Route("/extra", endpoint)  # type: ignore[arg-type]

    def __enter__(self) -> None:
        self.routes.append(self.route)

    def __exit__(self, *_: object) -> None:
        self.routes.remove(self.route)


def test_a_page_cannot_write_and_names_only_what_is_published(
    app: Starlette, office: Office
) -> None:
    refused = []

    def view(visit: RequestContext) -> Response:
        for statement in (
            "update app_user set role = 'manager'",
            "select * from access.account",
            "select * from raw.client",
            "select * from marts_next.client",
            "set local transaction_read_only = off",
            "create table x (a text)",
        ):
            try:
                with visit.conn.transaction():
                    visit.conn.execute(statement.encode())
            except psycopg.Error as error:
                refused.append(type(error).__name__)
        return Response("tried")

    with extra_route(app, open_request_context(view)):
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        assert browser.get("/extra").text == "tried"
    assert len(refused) == 6, refused


def test_a_form_view_gets_its_fields(app: Starlette, office: Office) -> None:
    def view(visit: RequestContext) -> Response:
        return Response(visit.form["texto"])

    endpoint = open_request_context(view)
    route = Route("/extra", endpoint, methods=["POST"])
    app.router.routes.append(route)
    try:
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        assert browser.form("/extra", texto="olá; ' or 1=1 --").text == "olá; ' or 1=1 --"
        assert browser.post("/extra", data={"texto": "x"}).status_code == 403
    finally:
        app.router.routes.remove(route)


def test_a_session_seen_a_minute_ago_is_seen_again(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    office.sql("update access.session set last_seen_at = clock_timestamp() - interval '61 s'")
    browser.get("/")
    ((age,),) = office.sql("select clock_timestamp() - last_seen_at from access.session")
    assert isinstance(age, timedelta)
    assert age < timedelta(seconds=30)


def test_views_run_in_a_thread(app: Starlette) -> None:
    """They wait for the database; the endpoints around them only wait for their turn."""
    around = ("reports.lookup.request_context", "reports.lookup.health")
    for route in app.router.routes:
        assert isinstance(route, Route)
        is_async = bool(route.endpoint.__code__.co_flags & 0x80)
        assert not is_async or route.endpoint.__module__ in around, route.path
