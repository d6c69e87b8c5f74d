"""Signing in and out: passwords, lock-out, sessions, cookies, forms."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from reports.lookup import passwords
from reports.lookup.config import HashCost, SignInLimits
from reports.lookup.passwords import Hasher
from tests.integration.lookup.office import (
    PASSWORD,
    Browser,
    Office,
    running,
    token_of,
    with_config,
)

HOSTILE = (
    "' or 1=1 --",
    "'; drop table access.account; --",
    "{U00001}",
    "<script>alert(1)</script>",
    "\u0000",
    "%s %(user_id)s",
    "a" * 3000,
    "../../etc/passwd",
)


def test_who_is_not_signed_in_gets_the_form_and_nothing_else(
    browser: Browser, office: Office
) -> None:
    for path in ("/", "/acessos", "/senha", f"/relatorios/{office.edition}/index.html"):
        answer = browser.get(path)
        assert answer.status_code == 401
        assert 'action="/entrar"' in answer.text
        assert office.manager.name not in answer.text


def test_a_right_password_leads_to_the_page_that_was_asked_for(
    browser: Browser, office: Office
) -> None:
    answer = browser.sign_in(office.manager.login, path="/acessos?acao=signed_in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/acessos?acao=signed_in")
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert office.manager.name in page.text


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/a\r\nX: y", ""],
)
def test_signing_in_never_leads_to_another_place(
    browser: Browser, office: Office, path: str
) -> None:
    answer = browser.sign_in(office.manager.login, path=path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_wrong_unknown_inactive_and_locked_get_one_and_the_same_answer(
    browser: Browser, office: Office
) -> None:
    def refused(login: str, password: str) -> str:
        answer = browser.sign_in(login, password)
        assert answer.status_code == 401
        assert not browser.session_cookie()
        return answer.text.replace(f'value="{login}"', "")

    locked = office.director.login
    for _ in range(6):
        refused(locked, "wrong")
    assert (
        refused(office.manager.login, "wrong")
        == refused("nobody.at.all", "wrong")
        == refused(office.inactive.login, PASSWORD)
        == refused(locked, PASSWORD)
    )


def waited(office: Office, seconds: float) -> None:
    """Everything that counts is so much longer ago."""
    office.sql(
        "update access.sign_in_limit set"
        f" failed_at = failed_at - interval '{seconds} s',"
        f" locked_until = locked_until - interval '{seconds} s'"
    )


def test_the_sixth_try_is_refused_even_when_right_for_longer_each_time(
    browser: Browser, office: Office
) -> None:
    login = office.attendant.login
    for _ in range(5):
        assert browser.sign_in(login, "wrong").status_code == 401
    for minutes in (1, 2, 4, 8, 16):
        assert browser.sign_in(login).status_code == 401
        waited(office, minutes * 60 - 5)
        assert browser.sign_in(login).status_code == 401
        waited(office, 5)
        for _ in range(5):  # after a long wait the first failures count no more
            assert browser.sign_in(login, "wrong").status_code == 401
    waited(office, 33 * 60)
    assert browser.sign_in(login).status_code == 303
    assert office.sql(
        "select count(*) from access.sign_in_limit where user_id = %s", office.attendant.user_id
    ) == [(0,)]


def test_the_longest_lock_is_an_hour_and_a_day_later_all_begins_anew(
    browser: Browser, office: Office
) -> None:
    login = office.attendant.login

    def locked_for() -> timedelta:
        for _ in range(6):
            browser.sign_in(login, "wrong")
        ((lasts,),) = office.sql(
            "select locked_until - failed_at from access.sign_in_limit where user_id = %s",
            office.attendant.user_id,
        )
        assert isinstance(lasts, timedelta)
        return lasts

    assert locked_for() == timedelta(minutes=1)
    office.sql("update access.sign_in_limit set locks = 1000")
    waited(office, 61)
    assert locked_for() == timedelta(hours=1)
    waited(office, 86_400)
    assert locked_for() == timedelta(minutes=1)


def test_nobody_else_holds_a_user_out(app: Starlette, office: Office) -> None:
    login = office.attendant.login
    elsewhere, colleague = Browser(app, "10.9.9.9"), Browser(app, "10.1.1.1")
    own, new = Browser(app, "10.1.1.1"), Browser(app, "10.1.1.1")
    assert own.sign_in(login).status_code == 303
    own.form("/sair")
    # From another address, whatever is tried; from the user's own, all that locks it for others.
    for attacker in (elsewhere, colleague):
        for _ in range(40):
            attacker.sign_in(login, "wrong")
    assert new.sign_in(login).status_code == 401, "the address is locked"
    assert own.sign_in(login).status_code == 303, "but not where the user has signed in before"
    assert Browser(app, "10.1.1.2").sign_in(login).status_code == 303
    # The browser's own limit, and one of somebody else's browser.
    own.form("/sair")
    assert own.sign_in(office.manager.login).status_code == 401
    for _ in range(5):
        assert own.sign_in(login, "wrong").status_code == 401
    assert own.sign_in(login).status_code == 401


def test_the_cookie_of_a_known_browser_opens_nothing(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    told = browser.cookies.get("atendimento-navegador") or ""
    assert told != browser.session_cookie()
    for name in ("atendimento", "atendimento-navegador"):
        thief = Browser(app)
        thief.cookies.set(name, told)
        assert thief.get("/").status_code == 401
    for made_up in ("", "x", "0" * 64, told[:-1], "Z" * 64):
        thief = Browser(app)
        thief.cookies.set("atendimento-navegador", made_up)
        assert thief.sign_in(office.manager.login, "wrong").status_code == 401


def test_the_fifth_try_may_be_right_and_forgets_the_others(
    browser: Browser, office: Office
) -> None:
    login = office.attendant.login
    for _ in range(2):
        for _ in range(4):
            assert browser.sign_in(login, "wrong").status_code == 401
        assert browser.sign_in(login).status_code == 303


def test_tries_at_the_same_instant_are_not_more_than_the_limit(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = [Browser(app) for _ in range(12)]
    tokens = [token_of(form.get("/entrar").text) for form in forms]
    verified = []
    verify = Hasher.verify

    def counted(hasher: Hasher, kept: str | None, password: str) -> bool:
        verified.append(kept)
        return verify(hasher, kept, password)

    monkeypatch.setattr(Hasher, "verify", counted)

    def wrong(number: int) -> None:
        forms[number].form(
            "/entrar", usuario=office.attendant.login, senha="wrong", csrf=tokens[number]
        )

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(wrong, range(12)))
    assert len(verified) == 12
    assert len([kept for kept in verified if kept]) == 5


def test_an_address_is_locked_whatever_logins_it_tries(app: Starlette, office: Office) -> None:
    guesser, other = Browser(app, "10.9.9.9"), Browser(app, "10.9.9.8")
    for number in range(30):
        assert guesser.sign_in(f"guess{number}", "wrong").status_code == 401
    assert guesser.sign_in(office.manager.login).status_code == 401
    assert other.sign_in(office.manager.login).status_code == 303
    waited(office, 60)
    assert guesser.sign_in(office.manager.login).status_code == 303


def test_addresses_of_one_ipv6_network_count_as_one(app: Starlette, office: Office) -> None:
    for number in range(31):
        Browser(app, f"2001:db8::{number:x}").sign_in("guess", "wrong")
    assert Browser(app, "2001:db8::ffff").sign_in(office.manager.login).status_code == 401
    assert Browser(app, "2001:db8:0:1::1").sign_in(office.manager.login).status_code == 303


def test_right_passwords_do_not_lock_a_shared_address(app: Starlette, office: Office) -> None:
    for _ in range(35):
        assert Browser(app).sign_in(office.manager.login).status_code == 303


def test_an_unknown_user_takes_as_long_as_a_wrong_password(office: Office) -> None:
    # Costly enough for the hash to be what takes the time.
    config = with_config(
        office,
        hash_cost=HashCost(passes=2, memory=19_456, lanes=1),
        limits=SignInLimits(tries_of_account=1000),
    )
    with running(config) as app:
        browser = Browser(app)
        token = token_of(browser.get("/entrar").text)
        for_known = Hasher(config.hash_cost).hash(PASSWORD)
        office.sql("update access.account set password_hash = %s", for_known)

        def seconds(login: str) -> float:
            office.sql("truncate access.sign_in_limit")
            began = time.perf_counter()
            browser.form("/entrar", usuario=login, senha="wrong", csrf=token)
            return time.perf_counter() - began

        pairs = [(seconds(office.manager.login), seconds("nobody.at.all")) for _ in range(15)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.6 < unknown / known < 1.6


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_logins_and_passwords_are_only_wrong(
    browser: Browser, office: Office, text: str
) -> None:
    assert browser.sign_in(text, text).status_code == 401
    answer = browser.sign_in(office.manager.login, text)
    assert answer.status_code == 401
    assert "<script>alert" not in browser.sign_in(text, "x").text
    assert office.sql("select count(*) > 0 from access.account") == [(True,)]


def test_every_sign_in_has_a_token_of_its_own_and_the_one_before_ends(
    browser: Browser, office: Office
) -> None:
    browser.cookies.set("atendimento", "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    browser.sign_in(office.manager.login)
    first = browser.session_cookie()
    assert len(first) >= 43
    assert first != "chosen-by-somebody-else"
    browser.sign_in(office.attendant.login)
    second = browser.session_cookie()
    assert second != first
    before = Browser(browser.app)  # type: ignore[arg-type]
    before.cookies.set("atendimento", first)
    assert before.get("/").status_code == 401
    stored = office.sql("select token_hash from access.session")
    assert len(stored) == 2
    assert all(first.encode() not in bytes(row[0]) for row in stored)  # type: ignore[call-overload]


def test_after_signing_out_the_token_opens_nothing(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    token, csrf = browser.session_cookie(), token_of(browser.get("/").text)
    answer = browser.form("/sair", csrf=csrf)
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrar")
    thief = Browser(browser.app)  # type: ignore[arg-type]
    thief.cookies.set("atendimento", token)
    assert thief.get("/").status_code == 401
    assert thief.post("/sair", data={"csrf": csrf}).status_code == 401


def test_a_session_ends_idle_or_after_its_lifetime(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    cases = [
        ("last_seen_at = clock_timestamp() - interval '29 minutes 50 s'", 200),
        ("last_seen_at = clock_timestamp() - interval '30 minutes'", 401),
        ("last_seen_at = clock_timestamp(), expires_at = clock_timestamp()", 401),
        ("expires_at = clock_timestamp() + interval '1 minute'", 200),
        ("revoked_at = clock_timestamp()", 401),
    ]
    token = browser.session_cookie()
    for change, status in cases:
        office.sql(f"update access.session set {change}")
        visitor = Browser(browser.app)  # type: ignore[arg-type]
        visitor.cookies.set("atendimento", token)
        assert visitor.get("/").status_code == status, change
    seen = office.sql("select last_seen_at > clock_timestamp() - interval '1 minute', expires_at -"
                      " created_at from access.session")  # fmt: skip
    assert seen[0][0] is True


def test_a_session_lives_for_its_lifetime(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    assert office.sql("select expires_at - created_at from access.session") == [
        (timedelta(hours=12),)
    ]


def test_a_form_without_the_token_or_from_elsewhere_is_refused(
    browser: Browser, office: Office
) -> None:
    anonymous = {"usuario": office.manager.login, "senha": PASSWORD}
    assert browser.post("/entrar", data=anonymous).status_code == 403
    token = token_of(browser.get("/entrar").text)
    stranger = Browser(browser.app)  # type: ignore[arg-type]
    assert stranger.post("/entrar", data=anonymous | {"csrf": token}).status_code == 403
    browser.sign_in(office.manager.login)
    csrf = token_of(browser.get("/").text)
    for fields in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": token}, {"csrf": "é"}):
        assert browser.post("/sair", data=fields).status_code == 403
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"origin": "http://[evil]"},
        {"origin": "http://[::1"},
        {"origin": "127.0.0.1"},
        {"origin": ""},
    ):
        answer = browser.post("/sair", data={"csrf": csrf}, headers=headers)
        assert answer.status_code == 403, headers
    assert browser.get("/").status_code == 200
    told = {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1"}
    assert browser.post("/sair", data={"csrf": csrf}, headers=told).status_code == 303


@pytest.mark.parametrize("length", ["9" * 5_000, "-1", "1.5", "\u00b2", ""])
def test_a_length_that_is_none_is_refused(browser: Browser, length: str) -> None:
    headers = {"content-length": length.encode("latin-1")}
    assert browser.post("/entrar", headers=headers).status_code == 413


def test_a_form_of_another_kind_is_refused(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    csrf = token_of(browser.get("/").text)
    assert browser.post("/sair", json={"csrf": csrf}).status_code == 415
    wrong = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/sair", content=b"csrf=%ff", headers=wrong).status_code == 400
    many = "&".join(f"a{number}=1" for number in range(60)).encode()
    assert browser.post("/sair", content=many, headers=wrong).status_code == 400


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
    office: Office, app: Starlette
) -> None:
    plain = Browser(app)
    told = plain.sign_in(office.manager.login).headers.get_list("set-cookie")
    session = next(cookie for cookie in told if cookie.startswith("atendimento="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Path=/" in session
    assert "Domain" not in session
    assert "Secure" not in session
    safe = Browser(app, base="https://127.0.0.1")
    answer = safe.sign_in(office.manager.login)
    session = next(
        cookie
        for cookie in answer.headers.get_list("set-cookie")
        if "__Host-atendimento=" in cookie
    )
    assert "Secure" in session
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert safe.get("/").status_code == 200


def test_the_first_password_must_be_changed_before_anything_else(
    browser: Browser, office: Office
) -> None:
    office.sql("update access.account set must_change = true")
    answer = browser.sign_in(office.manager.login, path="/acessos")
    assert answer.headers["location"] == "/senha"
    before = browser.session_cookie()
    for path in ("/", "/acessos", f"/relatorios/{office.edition}/index.html"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/senha")
    new = "outra-senha-bem-longa"
    answer = browser.form("/senha", atual=PASSWORD, nova=new, repetida=new)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    assert browser.session_cookie() != before
    assert Browser(browser.app).sign_in(office.manager.login).status_code == 401  # type: ignore[arg-type]
    again = Browser(browser.app).sign_in(office.manager.login, new)  # type: ignore[arg-type]
    assert again.headers["location"] == "/"


@pytest.mark.parametrize(("hours", "is_in_time"), [(71.9, True), (72.1, False)])
def test_a_first_password_expires_after_72_hours(
    browser: Browser, office: Office, hours: float, is_in_time: bool
) -> None:
    office.sql(
        "update access.account set must_change = true,"
        f" changed_at = clock_timestamp() - interval '{hours} hours'"
    )
    entered = browser.sign_in(office.manager.login)
    assert entered.status_code == (303 if is_in_time else 401)
    if not is_in_time:
        wrong = browser.sign_in("nobody.at.all", "wrong").text
        assert entered.text.replace(office.manager.login, "") == wrong.replace("nobody.at.all", "")
        return
    # One who came in time cannot change it later either.
    office.sql("update access.account set changed_at = changed_at - interval '1 hour'")
    new = "outra-senha-bem-longa"
    answer = browser.form("/senha", atual=PASSWORD, nova=new, repetida=new)
    assert "venceu depois de 72 horas" in answer.text
    assert browser.get("/").headers["location"] == "/senha"


def test_a_chosen_password_does_not_expire(browser: Browser, office: Office) -> None:
    office.sql("update access.account set changed_at = clock_timestamp() - interval '9 years'")
    assert browser.sign_in(office.manager.login).status_code == 303


def test_changing_the_password_ends_the_other_sessions(app: Starlette, office: Office) -> None:
    here, there = Browser(app), Browser(app)
    here.sign_in(office.manager.login)
    there.sign_in(office.manager.login)
    new = "outra-senha-bem-longa"
    assert here.form("/senha", atual=PASSWORD, nova=new, repetida=new).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 401


@pytest.mark.parametrize(
    ("new", "again", "current"),
    [
        ("curta", "curta", PASSWORD),
        ("aaaaaaaaaaaa", "aaaaaaaaaaaa", PASSWORD),
        ("senha1234567", "senha1234567", PASSWORD),
        (PASSWORD, PASSWORD, PASSWORD),
        ("uma-senha-longa", "outra-senha-longa", PASSWORD),
        ("uma-senha-longa", "uma-senha-longa", "wrong"),
        ("x1" * 101, "x1" * 101, PASSWORD),
    ],
)
def test_a_new_password_that_will_not_do_changes_nothing(
    browser: Browser, office: Office, new: str, again: str, current: str
) -> None:
    browser.sign_in(office.manager.login)
    answer = browser.form("/senha", atual=current, nova=new, repetida=again)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert Browser(browser.app).sign_in(office.manager.login).status_code == 303  # type: ignore[arg-type]


def test_a_stolen_session_cannot_guess_the_password(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    new = "outra-senha-bem-longa"
    for _ in range(5):
        answer = browser.form("/senha", atual="wrong", nova=new, repetida=new)
        assert "não confere" in answer.text
    answer = browser.form("/senha", atual=PASSWORD, nova=new, repetida=new)
    assert "Muitas tentativas" in answer.text


@pytest.mark.parametrize(
    "leaked_or_obvious",
    [
        "123456789012", "1q2w3e4r5t6y", "1qaz2wsx3edc", "password1234", "P@ssw0rd2026",
        "qwertyuiop12", "iloveyou1234", "asdfghjklpoi", "liverpoolfc1", "manchesterunited",
        "senha1234567", "Senha@123456", "minhasenha12", "flamengo2026", "corinthians10",
        "brasil123456", "euteamo12345", "jesuscristo1", "mudar12345678", "Janeiro@2026",
        "atendimento1", "oficina12345", "concessionaria", "admin@123456", "abababababab",
        "abcdefghijkl", "aaaaaaaaaaaa", "segunda-feira",
        "Souza-2026-x", "ana.souza2026", "azuos12345678", "S0uz4L1m4123", "josé+12345678",
        "JOSÉ.da.lima!", "limalimalima",
    ],
)  # fmt: skip
def test_leaked_and_obvious_passwords_are_none(leaked_or_obvious: str) -> None:
    who = {"login": "ana.souza", "name": "Ana José Souza Lima"}
    assert passwords.password_problem(leaked_or_obvious, **who) == "guessable"


def test_a_password_has_twelve_letters_and_may_be_words() -> None:
    who = {"login": "ana.souza", "name": "Ana Souza Lima"}
    assert passwords.password_problem("onze letras", **who) == "short"
    assert passwords.password_problem("doze letras!", **who) is None
    assert passwords.password_problem("trilho verde sapato nuvem", **who) is None
    assert passwords.password_problem("x1" * 101, **who) == "long"
    for _ in range(20):
        assert passwords.password_problem(passwords.generate_password(), **who) is None


def test_a_password_is_the_same_however_its_accents_are_typed() -> None:
    hasher = Hasher(HashCost(passes=1, memory=8, lanes=1))
    kept = hasher.hash("coração-azul")
    assert kept.startswith("$argon2id$")
    assert hasher.verify(kept, "corac\u0327a\u0303o-azul")
    assert not hasher.verify(None, "coração-azul")
    assert not hasher.verify("no hash", "coração-azul")


def test_a_withdrawn_account_is_out_at_once(browser: Browser, office: Office) -> None:
    browser.sign_in(office.manager.login)
    office.sql("delete from access.account where user_id = %s", office.manager.user_id)
    assert browser.get("/").status_code == 401


def test_a_deactivated_user_is_out_at_the_next_publication(
    browser: Browser, office: Office
) -> None:
    browser.sign_in(office.manager.login)
    token = browser.session_cookie()
    change = "update marts.app_user set active = %s where user_id = %s"
    office.sql(change, False, office.manager.user_id)
    try:
        assert browser.get("/").status_code == 401
    finally:
        office.sql(change, True, office.manager.user_id)
    browser.cookies.set("atendimento", token, domain="127.0.0.1", path="/")
    assert browser.get("/").status_code == 401, "the session was revoked"


def test_a_longer_idle_limit_is_a_setting(office: Office) -> None:
    with running(replace(office.config, idle=timedelta(hours=2))) as app:
        browser = Browser(app)
        browser.sign_in(office.manager.login)
        office.sql(
            "update access.session set last_seen_at = clock_timestamp() - interval '90 minutes'"
        )
        assert browser.get("/").status_code == 200
