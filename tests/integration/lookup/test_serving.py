"""Starting the lookup page, and the command line for its accounts."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx
import psycopg
import pytest

from orchestration.access import accounts
from orchestration.access.roles import Logins
from orchestration.lookup_server import serve
from orchestration.settings import Settings, SettingsError, load_settings
from reports.lookup import openid_states
from reports.lookup.config import HashCost
from tests.integration.lookup.office import PASSWORD, Browser, Office, running, token_of
from tests.pipeline import Program, environment


@pytest.fixture
def program(office: Office, tmp_path: Path) -> Program:
    """The command line over the office's database."""
    return Program(tmp_path, office.database)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "HashCost", lambda: HashCost(passes=1, memory=8, lanes=1))


def test_set_prints_a_first_password_that_must_be_changed(
    program: Program, office: Office, browser: Browser
) -> None:
    browser.sign_in(office.manager.login)
    said = program.call("account", "set", office.manager.login)
    assert said.exit_code == 0
    assert browser.get("/").status_code == 401, "sessions of before have ended"
    password = said.output.splitlines()[0]
    assert re.fullmatch(r"(\w{3}-){4}\w{3}", password)
    assert browser.sign_in(office.manager.login).status_code == 401
    assert browser.sign_in(office.manager.login, password).headers["location"] == "/senha"
    again = program.call("account", "set", office.manager.user_id)
    assert again.output.splitlines()[0] != password


def test_set_unlocks(program: Program, office: Office, browser: Browser) -> None:
    for _ in range(6):
        browser.sign_in(office.manager.login, "wrong")
    password = program.call("account", "set", office.manager.login).output.splitlines()[0]
    assert browser.sign_in(office.manager.login, password).status_code == 303


def test_unknown_and_inactive_users_get_no_password(program: Program, office: Office) -> None:
    before = office.sql("select * from access.account order by 1")
    for user in ("nobody", office.inactive.login, "' or true --", ""):
        said = program.call("account", "set", user)
        assert (said.exit_code, "Nothing was changed" in said.last_line) == (2, True)
    assert office.sql("select * from access.account order by 1") == before


def test_revoke_ends_sessions_and_withdraws_the_password(
    program: Program, office: Office, browser: Browser
) -> None:
    browser.sign_in(office.manager.login)
    said = program.call("account", "revoke", office.manager.login)
    assert said.exit_code == 0
    assert "1 sessions ended" in said.last_line
    assert browser.get("/").status_code == 401
    assert browser.sign_in(office.manager.login).status_code == 401


def test_list_says_what_accounts_there_are_and_no_secret(
    program: Program, office: Office, browser: Browser
) -> None:
    office.sql("delete from access.account where user_id = %s", office.colleague.user_id)
    office.sql(
        "update access.account set must_change = true where user_id = %s", office.attendant.user_id
    )
    browser.sign_in(office.manager.login)
    for _ in range(6):
        browser.sign_in(office.director.login, "wrong")
    said = program.call("account", "list")
    lines = {line.split()[0]: line for line in said.output.splitlines() if line}
    assert "no account" in lines[office.colleague.login]
    assert "first password" in lines[office.attendant.login]
    assert "1 sessions" in lines[office.manager.login]
    assert "locked" in lines[office.director.login]
    assert office.inactive.login not in lines
    assert "argon2" not in said.output


def test_a_demo_names_first_passwords_until_they_are_changed(office: Office) -> None:
    with office.database.connect() as conn:
        conn.autocommit = True
        office.sql("truncate access.account")
        shown = accounts.demo_first_passwords(conn)
        assert [first.role for first in shown] == ["manager", "attendant"]
        assert shown[0].login == office.director.login
        with running(office.config) as app:
            for first in shown:
                browser = Browser(app)
                assert browser.sign_in(first.login, first.password).status_code == 303
            new = "outra-senha-bem-longa"
            browser.form("/senha", atual=shown[1].password, nova=new, repetida=new)
        again = accounts.demo_first_passwords(conn)
        assert [first.role for first in again] == ["manager"]
        assert again[0].password != shown[0].password


def test_other_data_than_a_demo_name_no_passwords(office: Office) -> None:
    office.sql("truncate access.account")
    with office.database.connect() as conn:
        conn.autocommit = True
        conn.execute(
            "insert into ops.delivery (source, run_id, started_at, status)"
            " values ('/somewhere/else', 'r', now(), 'loaded')"
        )
        try:
            assert accounts.demo_first_passwords(conn) == []
        finally:
            conn.execute("delete from ops.delivery where source = '/somewhere/else'")
    assert office.sql("select count(*) from access.account") == [(0,)]


def test_a_role_that_could_do_more_is_not_served(
    office: Office, maintenance: psycopg.Connection
) -> None:
    serve.assert_fit(office.logins)
    for page in (
        office.database,
        office.database.named(office.database.parts["dbname"], maintenance.info.user),
    ):
        with pytest.raises(serve.UnfitRole, match="not fit"):
            serve.assert_fit(Logins(page, office.logins.sign_in))


def test_a_proxy_without_addresses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        serve.prepare_lookup_server(Settings(home=tmp_path, sign_in="proxy"))


def test_a_proxy_without_a_secret_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, sign_in="proxy", trusted_proxies="127.0.0.1")
    with pytest.raises(SettingsError, match="PROXY_SECRET is not set"):
        serve.prepare_lookup_server(settings)


@pytest.mark.parametrize("secret", ["short", "x" * 31, "x" * 40 + " ", "é" * 40])
def test_a_secret_that_can_be_guessed_or_not_sent_is_refused(secret: str) -> None:
    with (
        environment({"ATENDIMENTO_PROXY_SECRET": secret}),
        pytest.raises(SettingsError, match="PROXY_SECRET") as raised,
    ):
        load_settings(Path("/nonexistent/.env"))
    assert secret not in str(raised.value)


@pytest.mark.parametrize("given", ["10.0.0.1,10.1.0.0/16", "", "::1 , 10.0.0.1"])
def test_settings_become_what_the_app_is_told(office: Office, given: str) -> None:
    with environment({"ATENDIMENTO_TRUSTED_PROXIES": given}):
        settings = load_settings(Path("/nonexistent/.env"))
    told = serve.lookup_config(settings, office.logins, "192.0.2.1")
    assert len(told.trusted_proxies) == len([part for part in given.split(",") if part])
    assert told.hosts == ("127.0.0.1", "localhost", "[::1]", "192.0.2.1")


def test_a_wrong_proxy_address_is_a_wrong_setting() -> None:
    with (
        environment({"ATENDIMENTO_TRUSTED_PROXIES": "proxy.example"}),
        pytest.raises(SettingsError, match="neither an address"),
    ):
        load_settings(Path("/nonexistent/.env"))


def test_a_port_in_use_is_said_to_a_person(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = program.call("serve", "--port", str(taken.getsockname()[1]))
    assert said.exit_code == 1
    assert "cannot be listened on" in said.last_line


def test_old_entries_and_sessions_are_forgotten(office: Office, browser: Browser) -> None:
    browser.sign_in(office.manager.login)
    office.sql(
        "insert into access.access_log (at, action)"
        " values (now() - interval '366 days', 'searched')"
    )
    office.sql("update access.session set expires_at = now() - interval '31 days'")
    with office.database.connect() as conn:
        for _ in range(2):
            under_way = openid_states.begin_sign_in(conn, "browser", "/")
    office.sql(
        "update access.openid_state set expires_at = now() where nonce <> %s", under_way.nonce
    )
    serve.startup_messages(
        Settings(access_log_retention_days=365, sign_in="proxy"), office.database
    )
    assert office.sql("select action from access.access_log") == [("signed_in",)]
    assert office.sql("select count(*) from access.session") == [(0,)]
    assert office.sql("select nonce from access.openid_state") == [(under_way.nonce,)]


def test_it_is_served_over_http(served: str, office: Office) -> None:
    with httpx.Client(base_url=served) as client:
        assert client.get("/health").json()["status"] == "ok"
        token = token_of(client.get("/").text)
        fields = {"csrf": token, "usuario": office.manager.login, "senha": PASSWORD}
        answer = client.post("/entrar", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        page = client.get("/")
        assert (page.status_code, office.manager.name in page.text) == (200, True)
        assert "server" not in page.headers
