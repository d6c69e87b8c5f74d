"""Behind a reverse proxy: believed about user, address and https, from listed addresses alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from reports.lookup.config import LookupConfig
from reports.lookup.middleware import PROXY_USER, Proxy
from tests.integration.lookup.office import Browser, Office, running, token_of, with_config

PROXIES = (ip_network("10.1.0.0/24"), ip_network("::1"))
SECRET = "b5a7" * 8


def behind_proxy(office: Office) -> LookupConfig:
    return with_config(office, sign_in="proxy", trusted_proxies=PROXIES, proxy_secret=SECRET)


@pytest.fixture
def behind(office: Office) -> Iterator[Starlette]:
    """An app that takes the user from a proxy."""
    with running(behind_proxy(office)) as app:
        yield app


def as_user(login: str, **others: str) -> dict[str, str]:
    return {"x-remote-user": login, "x-proxy-secret": SECRET} | others


def test_a_listed_proxy_names_the_user(behind: Starlette, office: Office) -> None:
    browser = Browser(behind, "10.1.0.7")
    answer = browser.get("/", headers=as_user(office.manager.login))
    assert answer.status_code == 200
    assert office.manager.name in answer.text
    assert "Trocar senha" not in answer.text
    first = browser.session_cookie()
    assert browser.get("/", headers=as_user(office.manager.login)).status_code == 200
    assert browser.session_cookie() == first
    answer = browser.form("/sair", csrf=token_of(answer.text))
    assert answer.status_code == 401, "without the header nobody is signed in"


@pytest.mark.parametrize("address", ["10.1.1.7", "127.0.0.1", "192.168.0.1", "", "::ffff:10.2.0.1"])
def test_the_header_from_any_other_address_is_ignored(
    behind: Starlette, office: Office, address: str
) -> None:
    browser = Browser(behind, address)
    answer = browser.get("/", headers=as_user(office.manager.login))
    assert answer.status_code == 401
    told = as_user(office.manager.login, **{"x-forwarded-for": "10.1.0.7"})
    assert browser.get("/", headers=told).status_code == 401
    assert not browser.session_cookie()


@pytest.mark.parametrize(
    "sent",
    [[], [""], [SECRET[:-1]], [SECRET + "0"], [SECRET, SECRET], [SECRET, "x"], ["\u00e9" * 32]],
    ids=str,
)
def test_without_the_secret_no_program_of_the_proxys_machine_is_believed(
    behind: Starlette, office: Office, sent: list[str]
) -> None:
    headers = [(b"x-remote-user", office.manager.login.encode()), (b"x-forwarded-proto", b"https")]
    headers += [(b"x-proxy-secret", each.encode("latin-1")) for each in sent]
    browser = Browser(behind, "10.1.0.7")
    answer = browser.get("/", headers=headers)
    assert answer.status_code == 401
    assert "strict-transport-security" not in answer.headers
    assert not browser.session_cookie()
    headers = as_user(office.manager.login)
    assert browser.get("/", headers=headers).status_code == 200


def test_without_a_secret_in_the_configuration_nobody_is_believed(office: Office) -> None:
    config = with_config(office, sign_in="proxy", trusted_proxies=PROXIES)
    with running(config) as app:
        headers = as_user(office.manager.login, **{"x-proxy-secret": ""})
        assert Browser(app, "10.1.0.7").get("/", headers=headers).status_code == 401


def test_with_local_accounts_a_secret_that_is_set_is_required_too(office: Office) -> None:
    with running(with_config(office, trusted_proxies=PROXIES, proxy_secret=SECRET)) as app:
        for sent, is_https in (("", False), ("x", False), (SECRET, True)):
            told = {"x-forwarded-proto": "https", "x-proxy-secret": sent}
            answer = Browser(app, "10.1.0.7").get("/entrar", headers=told)
            assert ("strict-transport-security" in answer.headers) == is_https


def test_a_listed_address_written_as_ipv6_is_listed(behind: Starlette, office: Office) -> None:
    for address in ("::ffff:10.1.0.7", "::1"):
        answer = Browser(behind, address).get("/", headers=as_user(office.manager.login))
        assert answer.status_code == 200


def test_with_local_accounts_the_header_means_nothing(office: Office) -> None:
    with running(with_config(office, trusted_proxies=PROXIES)) as app:
        browser = Browser(app, "10.1.0.7")
        assert browser.get("/", headers=as_user(office.manager.login)).status_code == 401


def test_unknown_inactive_and_doubled_users_are_not_signed_in(
    behind: Starlette, office: Office
) -> None:
    for login in ("nobody", office.inactive.login, "", "' or 1=1 --", "\u00e9"):
        browser = Browser(behind, "10.1.0.7")
        headers = {"x-remote-user": login.encode(), "x-proxy-secret": SECRET.encode()}
        assert browser.get("/", headers=headers).status_code == 401, login
    doubled = [("x-proxy-secret", SECRET)]
    doubled += [("x-remote-user", each.login) for each in (office.manager, office.director)]
    assert Browser(behind, "10.1.0.7").get("/", headers=doubled).status_code == 401


def test_a_login_with_accents_signs_in(behind: Starlette, office: Office) -> None:
    rename = "update marts.app_user set login = %s where user_id = %s"
    office.sql(rename, "joão.silva", office.manager.user_id)
    try:
        headers = {"x-remote-user": "joão.silva".encode(), "x-proxy-secret": SECRET.encode()}
        answer = Browser(behind, "10.1.0.7").get("/", headers=headers)
    finally:
        office.sql(rename, office.manager.login, office.manager.user_id)
    assert answer.status_code == 200
    assert office.manager.name in answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_login_is_read_in_either_encoding(office: Office, encoding: str) -> None:
    seen = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope[PROXY_USER])

    proxy = Proxy(app, behind_proxy(office))
    scope = {
        "type": "http",
        "scheme": "http",
        "client": ("10.1.0.7", 1),
        "headers": [
            (b"x-remote-user", "joão.silva".encode(encoding)),
            (b"x-proxy-secret", SECRET.encode()),
        ],
    }
    asyncio.run(proxy(scope, None, None))  # type: ignore[arg-type]
    assert seen == ["joão.silva"]


def test_another_user_never_takes_over_a_session(behind: Starlette, office: Office) -> None:
    browser = Browser(behind, "10.1.0.7")
    browser.get("/", headers=as_user(office.manager.login))
    first = browser.session_cookie()
    answer = browser.get("/", headers=as_user(office.attendant.login))
    assert office.attendant.name in answer.text
    assert office.manager.name not in answer.text
    assert browser.session_cookie() != first


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:5678", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9:5678, 10.1.0.9:443", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("unknown", "10.1.0.7"),
        ("203.0.113.9:x", "10.1.0.7"),
        ("[", "10.1.0.7"),
        ("", "10.1.0.7"),
    ],
)
def test_a_client_is_told_with_or_without_a_port(
    behind: Starlette, office: Office, told: str, address: str
) -> None:
    headers = as_user(office.manager.login, **{"x-forwarded-for": told})
    assert Browser(behind, "10.1.0.7").get("/", headers=headers).status_code == 200
    assert office.sql("select address from access.session") == [(address,)]


def test_a_form_without_a_session_is_refused(behind: Starlette, office: Office) -> None:
    browser = Browser(behind, "10.1.0.7")
    assert browser.post("/sair", headers=as_user(office.manager.login)).status_code == 403


def test_there_is_no_password_behind_a_proxy(behind: Starlette, office: Office) -> None:
    browser = Browser(behind, "10.1.0.7")
    headers = as_user(office.manager.login)
    assert browser.get("/senha", headers=headers).status_code == 404
    assert browser.get("/entrar", headers=headers).status_code == 303
    assert browser.post("/entrar", headers=headers).status_code == 404


def test_a_listed_proxy_is_believed_about_https_and_the_client(office: Office) -> None:
    with running(with_config(office, trusted_proxies=PROXIES)) as app:
        told = {"x-forwarded-proto": "https", "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.1.0.9"}
        listed, other = Browser(app, "10.1.0.7"), Browser(app, "10.2.0.7")
        answer = listed.get("/entrar", headers=told)
        assert "__Host-atendimento-entrada" in answer.headers["set-cookie"]
        assert "strict-transport-security" in answer.headers
        answer = other.get("/entrar", headers=told)
        assert "__Host-" not in answer.headers["set-cookie"]
        other.post("/entrar", data={
            "usuario": "x", "senha": "y", "csrf": token_of(other.get("/entrar").text),
        }, headers=told)  # fmt: skip
        token = token_of(answer.text)
        fields = {"usuario": "x", "senha": "y", "csrf": token}
        cookie = {"cookie": f"__Host-atendimento-entrada={token}"}
        answer = listed.post("/entrar", data=fields, headers=told | cookie)
        assert answer.status_code == 401
    assert office.sql("select address from access.failed_sign_in order by 1") == [
        ("10.2.0.7",),
        ("203.0.113.9",),
    ]
