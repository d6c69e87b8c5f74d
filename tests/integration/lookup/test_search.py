"""Search on the lookup page: who is found, by whom, and what is said of them."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote_plus, urlencode

import psycopg
import pytest
from starlette.applications import Starlette

from reports.lookup import search, sessions
from reports.lookup.app import forget_searches
from reports.lookup.request_context import RequestContext
from reports.lookup.search_texts import MOST_PER_SESSION, MOST_SESSIONS
from tests.integration.lookup.office import Browser, Office, Person, running, token_of
from tests.integration.lookup.test_app import disconnect
from tests.integration.lookup.test_screen import signed_in

FOUND = re.compile(r'<li class="panel">\n<h2>(.*?)</h2>\n(.*?)</li>', re.DOTALL)


def found_by(browser: Browser, sought: str) -> list[str]:
    """What is shown of each that was found, as text without tags, and the Ficha's address."""
    answer = browser.search(sought)
    assert answer.status_code == 200
    return [unescape(name + rest) for name, rest in FOUND.findall(answer.text)]


def one(office: Office, query: str, *values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in office.sql(query, *values)[0])


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


def test_a_client_on_a_list_is_said_to_be_there_and_why(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.attendant)
    listed = office.sql(
        "select agenda_id, call_reason, position, phone, company_id from marts.call_list"
        " where agent_id = %s and phone is not null",
        office.attendant.user_id,
    )
    assert listed
    reasons = {"call_requested": "Pediu", "no_reply": "sem resposta", "not_sent": "não"}
    for agenda, reason, position, phone, company in listed[:20]:
        (shown,) = found_by(browser, str(agenda))[:1]
        assert f"/ficha?empresa={company}&agenda={agenda}" in shown
        assert f"Ligar: {position}º da lista" in shown
        assert reasons[str(reason)].lower() in plain(shown).lower()
        assert str(phone)[-4:] in shown, "their own row: the number is whole"
        assert "•" not in shown


def test_everyone_else_is_said_not_to_be_and_why(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    own = list(office.companies)
    cases = {
        "not is_open and call_reason is null": r"A agenda (foi fechada em \d|está fechada)",
        "is_open and origin = 'passive'": "Agenda passiva",
        "is_open and origin = 'active' and contact_date > '2026-11-20'": r"O contato é só em \d",
        "is_open and origin = 'active' and contact_date <= '2026-11-20' and response = 'booked'":
        r"Já agendou pelo LEADZAP, para \d",
        "is_open and origin = 'active' and contact_date <= '2026-11-20' and response = 'refused'":
        r"Recusou em \d",
    }  # fmt: skip
    for where, words in cases.items():
        (agenda,) = one(
            office,
            "select agenda_id from marts.agenda_status"
            f" where company_id = any(%s) and {where} limit 1",
            own,
        )
        shown = plain(found_by(browser, agenda)[0])
        assert "Fora da lista de ligação" in shown, where
        assert re.search(words, shown), (where, shown)
    (agenda,) = one(
        office,
        "select agenda_id from marts.call_waiting"
        " where company_id = any(%s) and callable_at is not null limit 1",
        own,
    )
    assert re.search(r"Ainda não ligar: só a partir de \d", plain(found_by(browser, agenda)[0]))


def test_name_phone_plate_and_id_lead_to_the_same_client(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.manager)
    (own,) = office.manager.company_ids
    agenda, name, ddd, mobile, plate = one(
        office,
        "select agenda_id, name, ddd, mobile, plate from marts.agenda_status"
        " inner join marts.client using (client_id) inner join marts.vehicle using (vehicle_id)"
        " where company_id = %s and length(ddd) = 2 and mobile ~ '^9[0-9]{8}$'"
        " and agent_id is not null and plate is not null order by agenda_id limit 1",
        own,
    )
    for sought in (agenda, name, name.upper(), f"({ddd}) {mobile}", mobile, plate.lower()):
        shown = found_by(browser, sought)
        assert any(name in one for one in shown), sought
        assert all("•" in one or "não informado" in one for one in shown), "masked for a manager"
        assert not any(mobile in one for one in shown)


def test_a_part_of_a_number_finds_only_those_whose_number_is_shown(
    app: Starlette, office: Office
) -> None:
    """Else digit after digit of a masked number could be guessed."""
    own = office.attendant.user_id
    client, key, name = one(
        office,
        "select client_id, search_key, name from marts.call_list"
        " inner join marts.client using (client_id)"
        " inner join marts.search_key using (client_id)"
        " where call_list.agent_id = %s and key_kind = 'phone' order by agenda_id limit 1",
        own,
    )
    worker, manager = signed_in(app, office.attendant), signed_in(app, office.manager)
    number = "update marts.search_key set search_key = %s where search_key = %s and client_id = %s"
    office.sql(number, "1187654321"[::-1], key, client)
    try:
        for sought, is_whole in (
            ("4321", False),
            ("7654321", False),
            ("00000000-4321", False),
            ("8765-4321", True),
            ("98765-4321", True),
            ("(11) 98765-4321", True),
        ):
            assert any(name in shown for shown in found_by(worker, sought)), sought
            assert any(name in shown for shown in found_by(manager, sought)) is is_whole, sought
    finally:
        office.sql(number, key, "1187654321"[::-1], client)
    counts = office.sql(
        "select details ->> 'found' from access.access_log"
        " where action = 'searched' and user_id = %s order by log_id",
        office.manager.user_id,
    )
    assert [count for (count,) in counts][1] == "0", "nor does the log tell"


def test_a_client_who_only_wrote_is_found_without_a_ficha(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    client, name, company = one(
        office,
        "select client.client_id, client.name, company.name from marts.passive_contact_status"
        " as contact inner join marts.client using (client_id)"
        " inner join marts.company using (company_id)"
        " where contact.agenda_id is null and not exists (select from marts.agenda_status as agenda"
        " where agenda.company_id = contact.company_id"
        " and agenda.client_id = contact.client_id) limit 1",
    )
    assert client
    shown = [text for text in found_by(browser, name) if "Nenhuma agenda" in text]
    assert shown
    assert all("/ficha" not in text and name in text for text in shown)
    assert any(company in text for text in shown)


@pytest.mark.parametrize("who", ["manager", "attendant"])
def test_nothing_of_others_is_found(app: Starlette, office: Office, who: str) -> None:
    person: Person = getattr(office, who)
    browser = signed_in(app, person)
    companies = sorted(person.company_ids)
    foreign = office.sql(
        "select agenda_id, name, mobile from marts.agenda_status"
        " inner join marts.client using (client_id)"
        " where client_id not in ("
        "  select client_id from marts.agenda_status where client_id is not null"
        "  and company_id = any(%s) and (%s or agent_id = %s)"
        "  union all select client_id from marts.passive_contact_status"
        "  where client_id is not null and company_id = any(%s) and (%s or agent_id = %s))"
        " and length(mobile) >= 8 order by agenda_id limit 15",
        *[companies, who == "manager", person.user_id] * 2,
    )
    assert len(foreign) == 15
    for agenda, name, mobile in foreign:
        assert found_by(browser, str(agenda)) == []
        assert found_by(browser, str(mobile)) == []
        for shown in found_by(browser, str(name)):
            address = re.search(r'"(/ficha[^"]+)"', shown)
            assert address is None or browser.get(unescape(address[1])).status_code == 200
            assert str(agenda) not in shown


@pytest.mark.parametrize(
    "sought",
    [
        "<script>alert(1)</script>",
        "' or 1=1 --",
        "%",
        "\\",
        "a\0b",
        "{0}",
        "%s",
        "x" * 5000,
        "\ud83d",
    ],
)
def test_whatever_is_typed_is_inert(app: Starlette, office: Office, sought: str) -> None:
    browser = signed_in(app, office.director)
    token = token_of(browser.get("/busca").text)
    answer = browser.post(
        "/busca",
        content=urlencode({"csrf": token, "q": sought}, errors="replace"),
        headers={"content-type": "application/x-www-form-urlencoded"},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_that_somebody_searched_is_recorded_and_not_what(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.manager)
    assert browser.get("/busca").status_code == 200
    assert browser.search("").status_code == 200
    assert browser.search("Zoroastro").status_code == 200
    logged = office.sql(
        "select user_id, details::text from access.access_log where action = 'searched'"
    )
    assert logged == [(office.manager.user_id, '{"found": "0"}')]


@pytest.mark.parametrize("path", ["/", "/busca"])
def test_what_is_sought_stands_in_no_address(app: Starlette, office: Office, path: str) -> None:
    browser = signed_in(app, office.manager)
    (own,) = office.manager.company_ids
    (name,) = one(
        office,
        "select name from marts.call_list inner join marts.client using (client_id)"
        " where company_id = %s limit 1",
        own,
    )
    (form,) = re.findall(r'<form class="seek".*?</form>', browser.get(path).text, re.DOTALL)
    given = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)) | {"q": name}
    method, action = re.findall(r'method="(\w+)" action="([^"]+)"', form)[0]
    way = "data" if method == "post" else "params"
    answer = browser.request(method, action, follow_redirects=True, **{way: given})
    assert [heading for heading, _ in FOUND.findall(answer.text) if name in unescape(heading)]
    addresses = [str(answer.url), *re.findall(r'(?:href|action)="([^"]*)"', answer.text)]
    assert any("/ficha?" in address for address in addresses)
    for word in name.split():
        assert not [address for address in addresses if word in unquote_plus(address)]


def test_one_goes_back_to_what_was_found_before(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    first, second = browser.search("maria"), browser.search("silva")
    assert first.text != second.text
    assert browser.get(str(first.url)).text == first.text
    assert browser.get(str(second.url)).text == second.text
    empty = browser.get("/busca").text
    for number in ("0", "3", "-1", "x", "9" * 6, "9" * 30, ""):
        assert browser.get(f"/busca?n={number}").text == empty


def test_nobody_goes_to_what_another_sought(app: Starlette, office: Office) -> None:
    browser, other = signed_in(app, office.director), signed_in(app, office.director)
    found = browser.search("maria")
    assert "maria" not in other.get(str(found.url)).text.lower()
    browser.form("/sair")
    assert browser.get(str(found.url)).status_code == 401
    browser.sign_in(office.director.login)
    assert "maria" not in browser.get(str(found.url)).text.lower()


@pytest.mark.parametrize(
    "ending",
    [
        "last_seen_at = clock_timestamp() - interval '31 minutes'",
        "expires_at = clock_timestamp()",
        "revoked_at = clock_timestamp()",
    ],
)
def test_what_was_sought_is_gone_when_its_session_ends(
    app: Starlette, office: Office, ending: str
) -> None:
    searches = app.state.services.searches
    searches.keep_only(())
    leaves, stays, ends = (signed_in(app, office.manager) for _ in range(3))
    for one, sought in ((leaves, "maria"), (stays, "joão"), (ends, "ana")):
        one.search(sought)
    assert len(searches) == 3
    leaves.form("/sair")
    assert len(searches) == 2
    forget_searches(app.state.services)
    assert len(searches) == 2
    key = sessions.token_hash(ends.session_cookie())
    office.sql(f"update access.session set {ending} where token_hash = %s", key)
    forget_searches(app.state.services)
    assert len(searches) == 1
    assert searches.read(key, 1) == ""
    # While nobody can say which sessions are in force, none is taken to be.
    with running(replace(office.config, sign_in_database="host=127.0.0.1 port=1")) as away:
        away.state.services.searches.add(key, "ana")
        forget_searches(away.state.services)
        assert not away.state.services.searches


def test_what_was_sought_is_gone_after_an_erasure(app: Starlette, office: Office) -> None:
    searches = app.state.services.searches
    forget_searches(app.state.services)
    signed_in(app, office.manager).search("maria")
    office.sql("insert into access.erased_client (client_id) values ('erased')")
    try:
        forget_searches(app.state.services)
        assert not searches
    finally:
        office.sql("delete from access.erased_client where client_id = 'erased'")


def test_what_was_sought_is_in_no_table_and_bounded(app: Starlette, office: Office) -> None:
    searches = app.state.services.searches
    browser = signed_in(app, office.manager)
    browser.search("zélia zebedeu")
    tables = office.sql("select 'access.' || tablename from pg_tables where schemaname = 'access'")
    for (table,) in tables:
        assert not office.sql(f"select from {table} as t where t::text like '%%zebedeu%%'"), table
    key = sessions.token_hash(browser.session_cookie())
    for number in range(2, MOST_PER_SESSION + 3):
        assert searches.add(key, f"sought {number}") == number
    assert [searches.read(key, number) for number in (1, 2, 3)] == ["", "", "sought 3"]
    for number in range(MOST_SESSIONS):
        searches.add(str(number).encode(), "sought")
    assert len(searches) == MOST_SESSIONS
    assert searches.read(key, 3) == ""
    searches.keep_only(())


def test_an_address_with_words_in_it_finds_nobody(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    assert browser.search("maria").text.count('class="panel"') > 0
    office.forget_log()
    page = browser.get("/busca?q=maria").text
    assert page == browser.get("/busca").text
    assert "maria" not in page.lower()
    assert office.sql("select action from access.access_log") == []


def test_a_search_needs_the_token_of_its_session(app: Starlette, office: Office) -> None:
    browser, other = signed_in(app, office.director), signed_in(app, office.manager)
    foreign = token_of(other.get("/busca").text)
    office.forget_log()
    for token in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": foreign}):
        answer = browser.post("/busca", data={"q": "maria"} | token)
        assert answer.status_code == 403
        assert "maria" not in answer.text.lower()
    assert office.sql("select action from access.access_log") == []


def test_who_searches_without_a_session_signs_in_and_begins_anew(
    app: Starlette, office: Office
) -> None:
    for ask in (
        lambda browser: browser.post("/busca", data={"q": "maria", "csrf": "x" * 43}),
        lambda browser: browser.get("/busca?q=maria"),
    ):
        browser = Browser(app)
        answer = ask(browser)
        assert answer.status_code == 401
        assert "maria" not in answer.text.lower()
        (onward,) = re.findall(r'name="ir" value="([^"]*)"', answer.text)
        assert onward == "/busca"
        entered = browser.sign_in(office.manager.login, path="/busca?q=maria")
        assert (entered.status_code, entered.headers["location"]) == (303, "/busca")


def test_a_search_whose_connection_was_cut_is_tried_again(
    app: Starlette,
    office: Office,
    maintenance: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = []
    find = search._find

    def cut_once(visit: RequestContext, sought: str) -> list[search.Hit]:
        if not cut:
            cut.append(True)
            disconnect(maintenance, office.database.parts["dbname"])
        return find(visit, sought)

    monkeypatch.setattr(search, "_find", cut_once)
    assert found_by(signed_in(app, office.director), "maria")
    assert cut
