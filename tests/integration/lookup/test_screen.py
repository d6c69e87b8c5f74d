"""The working screen: filters, totals that follow them, and the rows of one total."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from reports import labels
from reports.lookup import grid_rows as rows_of_screen
from tests.integration.lookup.office import Browser, Office, Person

NUMBER = re.compile(
    r'<(h3|li)>\n?(?:<a href="([^"]+)"[^>]*>|<span>)<bdi>([^<]*)</bdi> <[^>]+>([\d.]+)</'
)
ROW = re.compile(
    r'<tr><th scope="row">(?:<a href="([^"]+)">)?([^<]*)(?:</a>)?</th><td>([^<]*)</td>'
)
CODES = {label: code for code, label in labels.TOTALIZERS.items()}


class Numbers(NamedTuple):
    """What a screen says: totals and buckets with their addresses."""

    totals: dict[str, tuple[str, int]]
    buckets: list[tuple[str, str, int]]


def signed_in(app: Starlette, person: Person) -> Browser:
    browser = Browser(app)
    assert browser.sign_in(person.login).status_code == 303
    return browser


def screen(browser: Browser, **fields: str) -> str:
    answer = browser.get(f"/?{urlencode(fields)}")
    assert answer.status_code == 200
    return answer.text


def numbers(page: str) -> Numbers:
    said = [
        (place, unescape(href), unescape(label), int(count.replace(".", "")))
        for place, href, label, count in NUMBER.findall(page)
    ]
    totals = {CODES[label]: (href, count) for place, href, label, count in said if place == "h3"}
    buckets = [(href, label, count) for place, href, label, count in said if place == "li"]
    return Numbers(totals, buckets)


def rows_of(browser: Browser, href: str) -> list[tuple[str, str]]:
    """The Ficha's address and the agenda of every row, through all pages; zero leads nowhere."""
    found: list[tuple[str, str]] = []
    while href:
        page = browser.get(unescape(href)).text
        rows = ROW.findall(page)
        assert len(rows) <= 100
        found += [(unescape(ficha), agenda) for ficha, _, agenda in rows]
        onward = re.search(r'<a rel="next" href="([^"]+)">', page)
        href = onward[1] if onward else ""
    return found


def counted(office: Office, where: str, *values: object) -> dict[str, int]:
    """The totals as the owner of the database counts them."""
    rows = office.sql(
        "select totalizer, count(*) from marts.totalizer_row"
        " inner join marts.company using (company_id)"
        f" where {where} group by totalizer",
        *values,
    )
    return {str(code): int(str(count)) for code, count in rows}


def test_it_opens_on_the_home_company_and_today(app: Starlette, office: Office) -> None:
    for person in (office.director, office.manager, office.attendant):
        shown = numbers(screen(signed_in(app, person))).totals
        ((home,),) = office.sql(
            "select company_id from raw.app_user where user_id = %s", person.user_id
        )
        where = "company_id = %s and contact_date = local_date"
        values = [home]
        if person is office.attendant:
            where += " and agent_id = %s"
            values.append(person.user_id)
        expected = counted(office, where, *values)
        assert list(shown) == list(labels.TOTALIZERS)
        assert {code: count for code, (_, count) in shown.items() if count} == expected
        assert expected


def test_an_attendant_sees_first_whom_to_call(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.attendant)
    page = screen(browser)
    listed = [
        str(agenda)
        for (agenda,) in office.sql(
            "select agenda_id from marts.call_list where agent_id = %s and company_id = %s"
            " order by position",
            office.attendant.user_id,
            sorted(office.attendant.company_ids)[0],
        )
    ]
    shown = page.partition('<form class="filters')[0]
    assert re.findall(r"agenda <bdi>([^<]*)</bdi>", shown) == listed
    assert listed
    for href in re.findall(r'<h3><a href="([^"]+)"', shown):
        assert browser.get(unescape(href)).status_code == 200
    assert re.search("retornos? combinados? hoje", shown)
    logged = office.sql("select details ->> 'listed' from access.access_log")
    assert (str(len(listed)),) in logged


def test_a_manager_has_no_list_of_their_own(app: Starlette, office: Office) -> None:
    assert "A ligar agora" not in screen(signed_in(app, office.manager))


@pytest.mark.parametrize("who", ["director", "manager", "attendant"])
def test_each_number_is_the_number_of_its_rows(app: Starlette, office: Office, who: str) -> None:
    person: Person = getattr(office, who)
    browser = signed_in(app, person)
    shown = numbers(screen(browser, contato="todas"))
    seen = set()
    for href, count in shown.totals.values():
        rows = rows_of(browser, href)
        assert len(rows) == count, href
        seen |= {agenda for _, agenda in rows}
    for href, _, count in shown.buckets:
        assert len(rows_of(browser, href)) == count, href
    assert sum(count for _, _, count in shown.buckets) == sum(
        count for _, count in shown.totals.values()
    )
    own = {
        str(agenda)
        for (agenda,) in office.sql(
            "select agenda_id from marts.agenda_status"
            " where company_id = any(%s) and (%s or agent_id = %s)",
            sorted(person.company_ids),
            person is not office.attendant,
            person.user_id,
        )
    }
    assert seen - {labels.NO_AGENDA} <= own
    assert len(seen) > 3


def test_pages_show_each_row_once(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_of_screen, "ROWS_A_PAGE", 7)
    browser = signed_in(app, office.director)
    company, most = office.sql(
        "select company_id, count(*) from marts.totalizer_row where totalizer = 'active'"
        " group by 1 order by 2 desc limit 1"
    )[0]
    fields = {"empresa": str(company), "contato": "todas", "total": "active"}
    rows = rows_of(browser, f"/?{urlencode(fields)}")
    assert len(rows) == len(set(rows)) == most
    assert int(str(most)) > 21, "more than three pages"
    back = browser.get(f"/?{urlencode(fields | {'pagina': '2'})}").text
    assert 'rel="prev"' in back
    assert 'rel="prev"' not in screen(browser, **fields)
    beyond = screen(browser, **fields, pagina="999999")
    assert ROW.findall(beyond), "the last page there is"
    assert 'rel="next"' not in beyond


@pytest.mark.parametrize(
    ("field", "column", "table"),
    [
        ("campanha", "campaign_id", "totalizer_row"),
        ("equipe", "team_id", "totalizer_row inner join marts.team using (company_id, team_id)"),
        ("atendente", "agent_id", "totalizer_row"),
    ],
)
def test_totals_follow_each_filter(
    app: Starlette, office: Office, field: str, column: str, table: str
) -> None:
    browser = signed_in(app, office.manager)
    (company,) = office.manager.company_ids
    desk = "and is_service_desk" if field == "equipe" else ""
    ((value,),) = office.sql(
        f"select {column} from marts.{table}"
        f" where company_id = %s and {column} is not null {desk}"
        " group by 1 order by count(*) desc limit 1",
        company,
    )
    page = screen(browser, contato="todas", **{field: str(value)})
    expected = counted(office, f"company_id = %s and {column} = %s", company, value)
    shown = numbers(page).totals
    assert {code: count for code, (_, count) in shown.items() if count} == expected
    assert re.search(rf'<option value="{re.escape(str(value))}" selected>', page)
    for href, count in shown.values():
        assert len(rows_of(browser, href)) == count


@pytest.mark.parametrize("fate", ["moved", "dropped"])
def test_whoever_has_rows_is_an_agent_to_choose(app: Starlette, office: Office, fate: str) -> None:
    """Also with another home company by now, or gone from the delivery."""
    (company,) = office.manager.company_ids
    agent, name = office.attendant.user_id, office.attendant.name
    elsewhere = next(one for one in office.companies if one != company)
    kept = office.sql("select * from marts.app_user where user_id = %s", agent)[0]
    if fate == "moved":
        office.sql("update marts.app_user set company_id = %s where user_id = %s", elsewhere, agent)
    else:
        office.sql("delete from marts.app_user where user_id = %s", agent)
    try:
        page = screen(signed_in(app, office.manager), contato="todas", atendente=agent)
        director = signed_in(app, office.director)
        there = screen(director, empresa=elsewhere, contato="todas", atendente=agent)
    finally:
        office.sql("delete from marts.app_user where user_id = %s", agent)
        values = ", ".join(["%s"] * len(kept))
        office.sql(f"insert into marts.app_user values ({values})", *kept)
    shown = name if fate == "moved" else agent
    assert f'<option value="{agent}" selected>{shown}</option>' in page
    assert f"<td>{shown}</td>" in page
    expected = counted(office, "company_id = %s and agent_id = %s", company, agent)
    assert {code: n for code, (_, n) in numbers(page).totals.items() if n} == expected
    assert (f'value="{agent}"' in there) is (fate == "moved"), "without rows: where their home is"


def test_dates_and_event_types_and_no_agent(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.manager)
    (company,) = office.manager.company_ids
    ((campaign, event_type),) = office.sql(
        "select campaign_id, event_type_id from marts.totalizer_row where company_id = %s"
        " and campaign_id is not null group by 1, 2 order by count(*) desc limit 1",
        company,
    )
    cases: list[tuple[dict[str, str], str, list[object]]] = [
        ({"contato": "ontem"}, "contact_date = local_date - 1", []),
        (
            {"contato": "intervalo", "de": "2026-11-16", "ate": "2026-11-18"},
            "contact_date between '2026-11-16' and '2026-11-18'",
            [],
        ),
        ({"contato": "intervalo", "ate": "2026-11-10"}, "contact_date <= '2026-11-10'", []),
        ({"contato": "intervalo", "de": "2026-11-21", "ate": "2026-11-01"}, "false", []),
        ({"contato": "hoje", "de": "2026-11-01"}, "contact_date = local_date", []),
        (
            {"contato": "todas", "campanha": str(campaign), "evento": str(event_type)},
            "campaign_id = %s and event_type_id = %s",
            [campaign, event_type],
        ),
        # Of another campaign than the one chosen: it falls away.
        ({"contato": "todas", "evento": str(event_type)}, "true", []),
        ({"contato": "todas", "atendente": "-"}, "agent_id is null", []),
    ]
    for fields, where, values in cases:
        shown = numbers(screen(browser, **fields)).totals
        expected = counted(office, f"company_id = %s and {where}", company, *values)
        assert {code: count for code, (_, count) in shown.items() if count} == expected, fields


def test_refusals_are_grouped_by_reason(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    company = office.companies[0]
    page = screen(browser, empresa=company, contato="todas", total="refused")
    groups = re.findall(r'<tr class="bucket"><th[^>]*><bdi>([^<]*)</bdi> <span>([\d.]+)', page)
    expected = office.sql(
        "select coalesce(name, 'Sem motivo informado'), count(*) from marts.totalizer_row"
        " left join marts.loss_reason on loss_reason_id = bucket"
        " where company_id = %s and totalizer = 'refused' group by 1",
        company,
    )
    assert sorted((unescape(name), int(count)) for name, count in groups) == sorted(expected)  # type: ignore[type-var]
    assert len(groups) > 1


def test_what_is_not_yours_cannot_be_chosen(app: Starlette, office: Office) -> None:
    manager, attendant = signed_in(app, office.manager), signed_in(app, office.attendant)
    foreign = next(one for one in office.companies if one not in office.manager.company_ids)
    ((team,),) = office.sql("select team_id from marts.team where company_id = %s limit 1", foreign)
    for browser in (manager, attendant):
        for fields in (
            {"empresa": foreign},
            {"atendente": office.colleague.user_id},
            {"equipe": str(team)},
            {"campanha": "nenhuma"},
            {"evento": "nenhum"},
            {"total": "outro"},
            {"contato": "amanhã"},
            {"contato": "intervalo", "de": "20/11/2026"},
            {"pagina": "-1"},
            {"pagina": "1e3"},
            {"empresa": "x" * 65},
            {"empresa": "a\0b"},
            {"parte": "a\0b"},
        ):
            assert browser.get(f"/?{urlencode(fields)}").status_code == 404, fields
    assert attendant.get("/?atendente=-").status_code == 404
    assert attendant.get(f"/?atendente={office.manager.user_id}").status_code == 404
    assert attendant.get(f"/?atendente={office.attendant.user_id}").status_code == 200


def test_changing_the_company_drops_what_was_of_the_other(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    first, second = office.companies[:2]
    ((team,),) = office.sql(
        "select team_id from marts.team where company_id = %s and is_service_desk limit 1", first
    )
    page = screen(browser, empresa=second, equipe=str(team), contato="todas")
    shown = numbers(page).totals
    expected = counted(office, "company_id = %s", second)
    assert {code: count for code, (_, count) in shown.items() if count} == expected


def test_hostile_values_are_inert(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.director)
    for value in ("<script>alert(1)</script>", "' or 1=1 --", "%s", "{0}", '"><img src=x>'):
        page = screen(browser, parte=value, de=value)
        assert "<script>" not in page
        assert "<img" not in page
        assert not ROW.findall(page)
    ((count,),) = office.sql("select count(*) from marts.totalizer_row")
    assert count


def test_nobody_signed_in_sees_nothing(browser: Browser) -> None:
    assert browser.get("/?contato=todas").status_code == 401
