"""Signing in by OpenID Connect: only the provider's own, fresh word for this browser counts."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.applications import Starlette

from orchestration.access.roles import Logins
from orchestration.lookup_server import serve
from orchestration.postgres.database import Database
from orchestration.settings import SettingsError, load_settings
from tests.integration.lookup.office import Browser, Office, running, token_of, with_config
from tests.integration.lookup.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    PUBLIC,
    FakeProvider,
    begin,
    come_back,
    new_key,
    provider_running,
    told,
)
from tests.pipeline import environment


@pytest.fixture(scope="module")
def one_provider() -> Iterator[FakeProvider]:
    with provider_running() as provider:
        yield provider


@pytest.fixture
def provider(one_provider: FakeProvider) -> FakeProvider:
    one_provider.reset()
    return one_provider


@pytest.fixture
def behind(office: Office, provider: FakeProvider) -> Iterator[Starlette]:
    """An app that knows the provider, and has asked it nothing yet."""
    with running(with_config(office, sign_in="openid", openid=told(provider))) as app:
        yield app


@pytest.fixture
def browser(behind: Starlette) -> Browser:
    return Browser(behind)


def actions(office: Office) -> list[tuple[object, ...]]:
    return office.sql(
        "select action, user_id from access.access_log where action <> 'rows_shown' order by log_id"
    )


def test_a_user_of_the_provider_signs_in_and_out(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    asked = browser.get("/?contato=ontem")
    assert asked.status_code == 401
    assert 'href="/entrar/acesso?ir=%2F%3Fcontato%3Dontem"' in asked.text
    assert "Senha" not in asked.text
    address = begin(browser, "/?contato=ontem")
    given = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{provider.issuer}/authorize?")
    assert given["redirect_uri"] == f"{PUBLIC}/entrar/retorno"
    assert given["code_challenge_method"] == "S256"
    assert given["scope"].split()[0] == "openid"
    answer = come_back(browser, provider.approve(address, office.manager.login))
    assert (answer.status_code, answer.headers["location"]) == (303, "/?contato=ontem")
    page = browser.get("/")
    assert page.status_code == 200
    assert office.manager.name in page.text
    assert "Trocar senha" not in page.text
    assert browser.get("/senha").status_code == 404
    cookie = browser.session_cookie()
    answer = browser.post("/sair", data={"csrf": token_of(page.text)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrar/saida")
    left = browser.get("/entrar/saida").text
    ending = f"{provider.issuer}/logout?client_id={CLIENT_ID}&amp;post_logout_redirect_uri="
    assert f'<meta http-equiv="refresh" content="0; url={ending}' in left
    assert "http-equiv" not in browser.get("/entrar/saida?fim=1").text
    browser.cookies.set("atendimento", cookie)
    assert browser.get("/").status_code == 401
    assert actions(office) == [
        ("signed_in", office.manager.user_id),
        ("signed_out", office.manager.user_id),
    ]


def test_nothing_of_the_provider_is_kept(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    address = begin(browser)
    given = dict(parse_qsl(urlsplit(address).query))
    kept = str(office.sql("select openid_state::text from access.openid_state"))
    assert given["nonce"] in kept
    assert given["state"] not in kept
    assert browser.cookies["atendimento-acesso"] not in kept
    come_back(browser, provider.approve(address, office.manager.login))
    assert office.sql("select count(*) from access.openid_state") == [(0,)]


def test_nothing_that_was_sought_is_kept_while_somebody_signs_in(
    browser: Browser, office: Office
) -> None:
    for answer in (
        browser.get("/busca?q=Maria"),
        browser.post("/busca", data={"q": "Maria", "csrf": "x" * 43}),
    ):
        assert answer.status_code == 401
        assert 'href="/entrar/acesso?ir=%2Fbusca"' in answer.text
        assert "Maria" not in answer.text
    begin(browser, "/busca?q=Maria")
    assert office.sql("select next_path from access.openid_state") == [("/busca",)]


def refused(browser: Browser, brought: dict[str, str]) -> bool:
    """Whether nobody is signed in, and the page says so."""
    answer = come_back(browser, brought)
    assert "Não foi possível entrar" in answer.text
    assert not browser.session_cookie()
    return answer.status_code == 401


def test_state_is_of_this_browser_this_sign_in_and_once(
    behind: Starlette, browser: Browser, office: Office, provider: FakeProvider
) -> None:
    login = office.manager.login
    brought = provider.approve(begin(browser), login)
    assert refused(browser, brought | {"state": "x" * 43})
    assert refused(browser, {"code": brought["code"]})
    # Another's browser, with and without a sign-in of its own under way (login CSRF).
    other = Browser(behind)
    assert refused(other, brought)
    begin(other)
    assert refused(other, brought)
    assert come_back(browser, brought).status_code == 303
    browser.cookies.delete("atendimento")
    assert refused(browser, brought), "replayed"
    begin(browser)
    assert refused(browser, brought), "replayed, with another sign-in under way"


def test_a_state_lasts_ten_minutes(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    for ago, status in (("9 min 55 s", 303), ("10 min", 401)):
        brought = provider.approve(begin(browser), office.manager.login)
        office.sql(f"update access.openid_state set expires_at = expires_at - interval '{ago}'")
        assert come_back(browser, brought).status_code == status
        browser.cookies.clear()
    begin(browser)
    assert office.sql("select count(*) from access.openid_state") == [(1,)]


def test_a_code_counts_once_and_only_with_its_verifier(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    used = provider.approve(begin(browser), office.manager.login)
    come_back(browser, used)
    browser.cookies.delete("atendimento")
    again = provider.approve(begin(browser), office.manager.login)
    assert refused(browser, again | {"code": used["code"]})
    # A code that was issued for another sign-in: its challenge does not fit our verifier.
    stolen = provider.approve(begin(browser), office.director.login)
    mine = provider.approve(begin(browser), office.manager.login)
    assert refused(browser, mine | {"code": stolen["code"]})


WRONG: dict[str, dict[str, Any]] = {
    "nonce of another": {"nonce": "x" * 43},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "no audience": {"aud": None},
    "audiences without our party": {"aud": [CLIENT_ID, "another"]},
    "party of another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 3_600},
    "no expiry": {"exp": None},
    "issued later": {"iat": int(time.time()) + 7_200, "exp": int(time.time()) + 9_000},
    "not yet valid": {"nbf": int(time.time()) + 7_200},
    "expiry of another kind": {"exp": "tomorrow"},
    "no subject": {"sub": None},
    "no login": {"preferred_username": None},
    "empty login": {"preferred_username": ""},
    "login of another kind": {"preferred_username": ["{manager}"]},
    "unknown login": {"preferred_username": "nobody.at.all"},
    "hostile login": {"preferred_username": "' or 1=1 --\0"},
    "very long login": {"preferred_username": "a" * 5_000},
    "access token of another": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_claim_that_is_not_right_signs_nobody_in(
    browser: Browser, office: Office, provider: FakeProvider, case: str
) -> None:
    address = begin(browser)
    brought = provider.approve(address, office.manager.login)
    for claim, value in WRONG[case].items():
        provider.claims[claim] = value
        if value is None:
            del provider.claims[claim]
    assert refused(browser, brought)
    assert actions(office) == [("sign_in_refused", None)]
    # It was that claim alone.
    again = provider.approve(begin(browser), office.manager.login)
    assert come_back(browser, again).status_code == 303


def test_within_a_minute_clocks_may_differ(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    now = int(time.time())
    late = {"exp": now - 50, "iat": now + 50}
    brought = provider.approve(begin(browser), office.manager.login, **late)
    assert come_back(browser, brought).status_code == 303


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = ({"alg": algorithm, "kid": "first"}, claims)
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


@pytest.mark.parametrize("case", ["none", "None", "hs256 by public key", "hs256 by secret"])
def test_a_signature_that_others_could_make_signs_nobody_in(
    browser: Browser, office: Office, provider: FakeProvider, case: str
) -> None:
    brought = provider.approve(begin(browser), office.manager.login)
    if case.lower() == "none":
        provider.token = unsigned(provider.claims, case) + "."
    else:
        public = provider.keys[0].as_pem(private=False)
        secret = public if "public" in case else CLIENT_SECRET.encode()
        said = unsigned(provider.claims, "HS256")
        made = hmac.digest(secret, said.encode(), "sha256")
        provider.token = f"{said}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"
    assert refused(browser, brought)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e9", 7, None, ["a"]])
def test_what_is_no_id_token_signs_nobody_in(
    browser: Browser, office: Office, provider: FakeProvider, token: Any
) -> None:
    brought = provider.approve(begin(browser), office.manager.login)
    provider.token = token or "."
    assert refused(browser, brought)


def test_keys_change_and_strangers_keys_do_not_count(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    def try_once() -> int:
        brought = provider.approve(begin(browser), office.manager.login)
        browser.cookies.delete("atendimento")
        return come_back(browser, brought).status_code

    assert try_once() == 303
    assert try_once() == 303
    assert provider.keys_asked == 1, "kept"
    provider.keys = [new_key("second"), *provider.keys]
    assert try_once() == 303
    assert provider.keys_asked == 2, "fetched again for an unknown one"
    provider.signing = new_key("second")
    assert try_once() == 401, "the same name, another key"
    provider.header, provider.signing = {"kid": "third"}, new_key("third")
    assert try_once() == 401
    provider.header["jwk"] = provider.signing.as_dict(private=False)
    assert try_once() == 401, "a key that the token brings along"


def test_inactive_and_unknown_users_are_refused_alike(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    said = [
        come_back(browser, provider.approve(begin(browser), login)).text
        for login in (office.inactive.login, "nobody.at.all")
    ]
    assert said[0] == said[1]
    assert office.inactive.login not in said[0]
    assert not browser.session_cookie()


def test_who_is_deactivated_is_out_at_the_next_request(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    come_back(browser, provider.approve(begin(browser), office.manager.login))
    deactivate = "update marts.app_user set active = %s where user_id = %s"
    office.sql(deactivate, False, office.manager.user_id)
    try:
        assert browser.get("/").status_code == 401
    finally:
        office.sql(deactivate, True, office.manager.user_id)
    assert browser.get("/").status_code == 401, "the session has ended for good"


@pytest.mark.parametrize(
    ("verified", "status"),
    [(True, 303), ("true", 303), (False, 401), ("false", 401), ("1", 401), (1, 401), (None, 401)],
)
def test_an_email_counts_only_when_the_provider_has_verified_it(
    office: Office, provider: FakeProvider, verified: object, status: int
) -> None:
    openid = told(provider, claim="email")
    with running(with_config(office, sign_in="openid", openid=openid)) as app:
        browser = Browser(app)
        brought = provider.approve(
            begin(browser), "whoever", email=office.manager.login, email_verified=verified
        )
        assert come_back(browser, brought).status_code == status


def test_with_the_provider_away_sessions_go_on_and_it_comes_back(
    browser: Browser, behind: Starlette, office: Office, provider: FakeProvider
) -> None:
    come_back(browser, provider.approve(begin(browser), office.manager.login))
    other = Browser(behind)
    brought = provider.approve(begin(other), office.manager.login)
    provider.is_down = True
    answer = come_back(other, brought)
    assert answer.status_code == 503
    assert "O acesso da empresa não respondeu" in answer.text
    assert browser.get("/").status_code == 200
    provider.is_down = False
    brought = provider.approve(begin(other), office.manager.login)
    assert come_back(other, brought).status_code == 303


def test_a_provider_that_was_never_there_costs_one_wait(
    office: Office, provider: FakeProvider
) -> None:
    provider.is_down = True
    openid = told(provider, pause_seconds=60)
    with running(with_config(office, sign_in="openid", openid=openid)) as app:
        browser = Browser(app)
        assert browser.get("/entrar/acesso").status_code == 503
        provider.is_down = False
        assert browser.get("/entrar/acesso").status_code == 503, "not asked again so soon"
        assert browser.get("/").status_code == 401
        assert browser.get("/entrar/saida").status_code == 200


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"end_session_endpoint": "//evil.example"},
        {"token_endpoint": 7},
    ],
)
def test_a_provider_that_leads_elsewhere_is_not_followed(
    browser: Browser, provider: FakeProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    assert browser.get("/entrar/acesso").status_code == 503


def test_an_answer_that_names_another_provider_or_an_error_is_refused(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    login = office.manager.login
    brought = provider.approve(begin(browser), login)
    assert refused(browser, brought | {"iss": "https://evil.example"})
    brought = provider.approve(begin(browser), login)
    assert refused(browser, brought | {"error": "<script>alert(1)</script>"})
    brought = provider.approve(begin(browser), login)
    assert come_back(browser, brought | {"iss": provider.issuer}).status_code == 303


@pytest.mark.parametrize(
    ("says_so", "status"), [(True, 401), (False, 303), (None, 303), ("true", 303)]
)
def test_a_provider_that_names_itself_in_each_answer_is_held_to_it(
    browser: Browser, office: Office, provider: FakeProvider, says_so: object, status: int
) -> None:
    """RFC 9207."""
    provider.metadata = {"authorization_response_iss_parameter_supported": says_so}
    brought = provider.approve(begin(browser), office.manager.login)
    assert "iss" not in brought
    assert come_back(browser, brought).status_code == status
    brought = provider.approve(begin(browser), office.manager.login)
    assert come_back(browser, brought | {"iss": provider.issuer}).status_code == 303


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", "", "/sair"]
)
def test_signing_in_never_leads_to_another_place(
    browser: Browser, office: Office, provider: FakeProvider, path: str
) -> None:
    brought = provider.approve(begin(browser, path), office.manager.login)
    assert come_back(browser, brought).headers["location"] == "/"


def test_there_is_no_password_and_signing_out_needs_the_token(
    browser: Browser, office: Office, provider: FakeProvider
) -> None:
    assert browser.get("/entrar").status_code == 200
    assert browser.post("/entrar", data={"usuario": "x", "senha": "y"}).status_code == 404
    come_back(browser, provider.approve(begin(browser), office.manager.login))
    assert browser.post("/sair", data={"csrf": "x" * 43}).status_code == 403
    assert browser.get("/").status_code == 200


SETTINGS = {
    "ATENDIMENTO_SIGN_IN": "openid",
    "ATENDIMENTO_OPENID_ISSUER": "https://login.example.com/realms/group",
    "ATENDIMENTO_OPENID_CLIENT_ID": CLIENT_ID,
    "ATENDIMENTO_OPENID_CLIENT_SECRET": CLIENT_SECRET,
    "ATENDIMENTO_PUBLIC_URL": "https://atendimento.example.com/",
}


def from_settings(**changes: str) -> serve.LookupConfig:
    with environment(SETTINGS | changes):
        settings = load_settings(Path("/nonexistent/.env"))
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    return serve.lookup_config(settings, Logins(nowhere, nowhere), "127.0.0.1")


def test_settings_name_the_provider() -> None:
    made = from_settings()
    assert made.openid
    assert made.openid.public_url == "https://atendimento.example.com"
    assert made.openid.claim == "preferred_username"
    assert "atendimento.example.com" in made.hosts
    assert CLIENT_SECRET not in repr(made)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ATENDIMENTO_OPENID_ISSUER", "", "ATENDIMENTO_OPENID_ISSUER"),
        ("ATENDIMENTO_OPENID_CLIENT_SECRET", "", "ATENDIMENTO_OPENID_CLIENT_SECRET"),
        ("ATENDIMENTO_PUBLIC_URL", "", "ATENDIMENTO_PUBLIC_URL"),
        ("ATENDIMENTO_OPENID_ISSUER", "http://login.example.com", "https://"),
        ("ATENDIMENTO_PUBLIC_URL", "http://atendimento.example.com", "https://"),
        ("ATENDIMENTO_PUBLIC_URL", "https://example.com/tela", "without a path"),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        from_settings(**{name: value})
    assert CLIENT_SECRET not in str(error.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"uv sync .*--extra openid"):
        from_settings()
