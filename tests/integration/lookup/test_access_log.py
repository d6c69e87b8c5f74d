"""The access log: only added to, and read by managers for their companies."""

from __future__ import annotations

import os
import re
from ipaddress import ip_network

import psycopg
import pytest
from starlette.applications import Starlette

from orchestration.access import accounts
from reports.lookup import audit_log, audit_log_page, grid_rows
from tests.integration.lookup.office import PASSWORD, Browser, Office, running, with_config
from tests.integration.lookup.test_proxy import SECRET


def test_what_people_do_is_logged_without_what_they_typed(app: Starlette, office: Office) -> None:
    browser = Browser(app, "10.3.2.1")
    browser.sign_in(office.manager.login, "my-secret-typo")
    browser.sign_in("secret-unknown-login")
    browser.sign_in(office.manager.login)
    browser.form("/senha", atual=PASSWORD, nova="outra-senha-longa", repetida="outra-senha-longa")
    browser.get("/acessos")
    browser.form("/sair")
    rows = office.sql(
        "select action, user_id, company_id, details::text from access.access_log order by log_id"
    )
    who, (company,) = office.manager.user_id, office.manager.company_ids
    assert [row[:3] for row in rows] == [
        ("sign_in_refused", who, company),
        ("sign_in_refused", None, None),
        ("signed_in", who, company),
        ("password_changed", who, company),
        ("log_read", who, company),
        ("signed_out", who, company),
    ]
    assert "10.3.2.1" in str(rows[0][3])
    assert not re.search("secret|senha|longa", str(rows))


def test_why_a_sign_in_was_refused_is_logged(app: Starlette, office: Office) -> None:
    browser = Browser(app, "10.3.2.1")
    office.sql("delete from access.account where user_id = %s", office.colleague.user_id)
    office.sql(
        "update access.account set must_change = true, changed_at = '2020-01-01'"
        " where user_id = %s",
        office.director.user_id,
    )
    browser.sign_in("secret-unknown-login")
    browser.sign_in(office.inactive.login)
    browser.sign_in(office.colleague.login)
    browser.sign_in(office.director.login)
    for _ in range(6):
        browser.sign_in(office.manager.login, "wrong")
    rows = office.sql(
        "select action, user_id, details ->> 'why' from access.access_log"
        " where details ->> 'address' = '10.3.2.1' order by log_id"
    )
    assert {action for action, _, _ in rows} == {"sign_in_refused"}
    assert [row[1:] for row in rows] == [
        (None, "unknown"),
        (office.inactive.user_id, "inactive"),
        (office.colleague.user_id, "no_account"),
        (office.director.user_id, "expired"),
        *[(office.manager.user_id, "wrong")] * 5,
        (office.manager.user_id, "locked"),
    ]
    # Of a locked address only what led to the lock.
    for _ in range(40):
        browser.sign_in("secret-unknown-login")
    assert office.sql("select count(*) from access.access_log") == [(30,)]


def test_grids_paged_through_are_logged(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_rows, "ROWS_A_PAGE", 10)
    browser = Browser(app)
    browser.sign_in(office.director.login)
    office.forget_log()
    company = office.companies[0]
    for page in (1, 2):
        fields = {"empresa": company, "contato": "todas", "pagina": str(page)}
        assert browser.get("/", params=fields).status_code == 200
    rows = office.sql("select action, company_id, details from access.access_log order by log_id")
    assert rows == [
        ("rows_shown", company, {"total": "active", "page": page, "rows": "10"})
        for page in ("1", "2")
    ]


def test_accounts_set_and_revoked_are_logged(office: Office) -> None:
    office.forget_log()
    with office.database.connect() as conn:
        person = accounts.find_user(conn, office.attendant.login)
        assert person
        accounts.give_first_password(conn, person.user_id, person.company_id)
        accounts.revoke_account(conn, person.user_id, person.company_id)
    rows = office.sql(
        "select action, user_id, company_id, details from access.access_log order by log_id"
    )
    (company,) = office.attendant.company_ids
    told = {"operator": str(os.getuid())}
    assert rows == [
        ("account_set", office.attendant.user_id, company, told),
        ("account_revoked", office.attendant.user_id, company, told),
    ]


def test_a_login_of_the_proxy_that_nobody_has_is_logged(office: Office) -> None:
    config = with_config(
        office,
        sign_in="proxy",
        trusted_proxies=(ip_network("10.1.0.0/16"),),
        proxy_secret=SECRET,
    )
    with running(config) as app:
        told = {
            "x-remote-user": "secret-unknown-login",
            "x-forwarded-for": "203.0.113.9",
            "x-proxy-secret": SECRET,
        }
        browser = Browser(app, "10.1.0.7")
        for _ in range(40):
            assert browser.get("/", headers=told).status_code == 401
    rows = office.sql("select action, user_id, details from access.access_log order by log_id")
    told = {"kind": "proxy", "why": "unknown", "address": "203.0.113.9"}
    assert rows == [("sign_in_refused", None, told)] * 30


def test_a_manager_reads_their_companies_and_an_attendant_nothing(
    app: Starlette, office: Office
) -> None:
    with psycopg.connect(office.logins.sign_in.url) as conn:
        for number, company in enumerate(office.companies):
            audit_log.record_action(
                conn, "ficha_opened", "U99999", company_id=company, agenda_id=f"agenda-{number}"
            )
        audit_log.record_action(conn, "ficha_opened", None, agenda_id="agenda-of-nobody")
    seen = {}
    for person in (office.director, office.manager, office.attendant):
        browser = Browser(app)
        browser.sign_in(person.login)
        answer = browser.get("/acessos?acao=ficha_opened")
        seen[person.user_id] = (answer.status_code, set(re.findall(r"agenda-\w+", answer.text)))
    assert seen[office.director.user_id] == (
        200, {f"agenda-{number}" for number in range(len(office.companies))}
    )  # fmt: skip
    assert seen[office.manager.user_id] == (200, {"agenda-1"})
    assert seen[office.attendant.user_id] == (404, set())


def test_pages_of_entries_show_each_once(app: Starlette, office: Office) -> None:
    (company,) = office.manager.company_ids
    with psycopg.connect(office.logins.sign_in.url) as conn:
        for number in range(250):
            audit_log.record_action(
                conn, "rows_taken", "U1", company_id=company, agenda_id=f"a{number:03d}x"
            )
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    path, seen = "?acao=rows_taken", []
    for _ in range(3):
        page = browser.get(f"/acessos{path}").text
        seen += re.findall(r"a\d{3}x", page)
        older = re.search(r'href="(\?[^"]+)">Registros mais antigos', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert path == ""
    assert seen == [f"a{number:03d}x" for number in reversed(range(250))]


@pytest.mark.parametrize(
    "query", ["antes=x", "antes=-1", "antes=٣", "antes=" + "9" * 19, "acao=drop", "quem=%00"]
)
def test_hostile_queries_are_not_found(browser: Browser, office: Office, query: str) -> None:
    browser.sign_in(office.manager.login)
    assert browser.get(f"/acessos?{query}").status_code == 404


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        (
            {"file": "csv", "rows": "1057", "total": "active"},
            "CSV · linhas: 1.057 · Agendas ativas",
        ),
        ({"kind": "local", "address": "10.3.2.1"}, "com senha · endereço 10.3.2.1"),
        ({"kind": "proxy"}, "pelo acesso central"),
        ({"why": "locked", "kind": "local"}, "muitas tentativas · com senha"),
        ({"operator": "0", "page": "2"}, "conta do sistema 0 · página 2"),
        ({"kind": "openid"}, "pelo acesso da empresa"),
        ({"file": "lista-0a.html", "edition": "2026-x"}, "lista-0a.html · edição 2026-x"),
        ({"found": "3"}, "encontrados: 3"),
        ({"new": "thing"}, "thing"),
        ({}, ""),
    ],
)
def test_details_are_said_in_portuguese(details: dict[str, str], shown: str) -> None:
    assert sorted(audit_log_page.said(details).split(" · ")) == sorted(shown.split(" · "))


def test_hostile_words_in_the_log_are_only_words(app: Starlette, office: Office) -> None:
    (company,) = office.manager.company_ids
    with psycopg.connect(office.logins.sign_in.url) as conn:
        audit_log.record_action(
            conn, "searched", "<script>alert(1)</script>", company_id=company, kind="<img src=x>"
        )
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    page = browser.get("/acessos?quem=<script>alert(1)</script>").text
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;img src=x&gt;" in page


def test_rows_of_the_log_are_only_added(office: Office) -> None:
    with psycopg.connect(office.logins.sign_in.url, autocommit=True) as conn:
        audit_log.record_action(conn, "searched", "U1")
        for statement in (
            "update access.access_log set user_id = 'U2'",
            "delete from access.access_log",
            "truncate access.access_log",
            "select access.forget_log('infinity')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())
    with office.database.connect() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("update access.access_log set user_id = 'U2'")
    assert office.sql("select user_id from access.access_log") == [("U1",)]
