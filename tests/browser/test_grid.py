"""A grid in the hands of a reader: filters, order, and links to a part of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.publication import Publication

_SHOWN = """() => [...document.querySelectorAll("main tbody tr:has(td)")]
    .filter((row) => row.checkVisibility())
    .map((row) => Array.from(row.cells, (cell) => cell.textContent))"""
CLIENT, AGENDA, CONTACT, CAMPAIGN, EVENT_TYPE, TEAM, AGENT, WHATSAPP, SITUATION = range(9)


@pytest.fixture
def path(long: Publication) -> Path:
    """The grid of all 120 agendas of the company."""
    return long.fullest("total_rows")


@pytest.fixture
def page(reader: BrowserContext, path: Path) -> Iterator[Page]:
    made = reader.new_page()
    made.goto(path.as_uri())
    yield made
    made.close()


def shown(page: Page) -> list[list[str]]:
    """The cells of the rows that can be seen, in their order."""
    rows: list[list[str]] = page.evaluate(_SHOWN)
    return rows


def column(page: Page, place: int) -> list[str]:
    return [row[place] for row in shown(page)]


def announced(page: Page) -> str:
    return page.locator("[role=status][data-shown]").inner_text()


def choose(page: Page, name: str, **choice: object) -> None:
    page.locator(f"main [name={name}]").select_option(**choice)  # type: ignore[arg-type]


def test_filters_leave_exactly_the_rows_they_name(page: Page) -> None:
    everything = shown(page)
    assert len(everything) == 120
    assert announced(page) == "120 de 120 linhas"
    choose(page, "campanha", label="Campanha 1")
    choose(page, "equipe", label="Equipe 3")
    page.wait_for_function("location.hash.includes('equipe')")
    wanted = [row for row in everything if (row[CAMPAIGN], row[TEAM]) == ("Campanha 1", "Equipe 3")]
    assert wanted
    assert shown(page) == wanted
    assert announced(page) == f"{len(wanted)} de 120 linhas"
    page.get_by_role("button", name="Limpar filtros").click()
    page.wait_for_function("location.hash === '#tudo='")
    assert shown(page) == everything
    assert page.locator("main [name=campanha]").input_value() == ""


def test_a_filter_goes_by_ids_not_by_what_is_shown(page: Page) -> None:
    wanted = [row[AGENDA] for row in shown(page) if row[CAMPAIGN] == "Campanha 1"]
    page.evaluate("""() => {
        for (const cell of document.querySelectorAll("td[data-id^=c]")) cell.textContent = "Igual";
        for (const cell of document.querySelectorAll("td[data-id=u1]")) delete cell.dataset.id;
        const none = new Option("Sem agente", "-");
        none.dataset.none = "";
        document.querySelector("main [name=atendente]").append(none);
    }""")
    choose(page, "campanha", value="c1")
    page.wait_for_function("location.hash.includes('campanha')")
    assert column(page, AGENDA) == wanted
    choose(page, "campanha", value="")
    choose(page, "atendente", value="-")
    page.wait_for_function("location.hash.includes('atendente')")
    assert {agent.rpartition(" ")[2] for agent in column(page, AGENT)} == {"1"}


def test_event_types_are_offered_within_the_chosen_campaign(page: Page) -> None:
    choose(page, "campanha", label="Campanha 2")
    page.wait_for_function("location.hash.includes('campanha')")
    offered = page.locator("main [name=evento] optgroup:not([hidden])")
    assert offered.evaluate_all("groups => groups.map((group) => group.label)") == ["Campanha 2"]
    choose(page, "evento", index=page.locator("main [name=evento] option").count() - 1)
    page.wait_for_function("location.hash.includes('evento')")
    assert set(column(page, CAMPAIGN)) == {"Campanha 2"}
    assert len(set(column(page, EVENT_TYPE))) == 1
    choose(page, "campanha", label="Campanha 0")
    page.wait_for_function("!location.hash.includes('evento')")
    assert set(column(page, CAMPAIGN)) == {"Campanha 0"}


@pytest.mark.parametrize(
    ("choice", "days"),
    [
        ({"contato": "hoje"}, {"20/11/2026"}),
        ({"contato": "ontem"}, {"19/11/2026"}),
        (
            {"contato": "intervalo", "de": "2026-11-18", "ate": "2026-11-19"},
            {"18/11/2026", "19/11/2026"},
        ),
        ({"contato": "intervalo", "de": "2026-11-19"}, {"19/11/2026", "20/11/2026"}),
        ({"contato": "intervalo", "ate": "2026-10-22"}, {"22/10/2026"}),
    ],
)
def test_contact_dates(page: Page, choice: dict[str, str], days: set[str]) -> None:
    for name, value in choice.items():
        control = page.locator(f"main [name={name}]")
        assert control.is_visible()
        if name == "contato":
            control.select_option(value)
        else:
            control.fill(value)
    page.wait_for_function("value => location.hash.endsWith(value)", arg=list(choice.values())[-1])
    assert set(column(page, CONTACT)) == days


def test_a_search_asks_for_every_word_wherever_it_stands_without_accents(page: Page) -> None:
    all_rows = shown(page)
    page.locator("main [name=procurar]").fill("CONCEICAO equipe 2")
    page.wait_for_function("history.state.sought === 'CONCEICAO equipe 2'")
    rows = shown(page)
    assert rows
    assert all("Conceição" in row[CLIENT] and row[TEAM] == "Equipe 2" for row in rows)
    page.locator("main [name=procurar]").fill("não há (isto).*")
    page.wait_for_function("document.querySelector('[data-shown]').textContent.startsWith('0 de')")
    assert shown(page) == []
    page.locator("main [type=reset]").click()
    page.wait_for_function("history.state.sought === ''")
    assert shown(page) == all_rows


def test_what_is_typed_stands_in_no_address_and_comes_back_with_the_page(page: Page) -> None:
    sought = page.locator("main [name=procurar]")
    sought.press_sequentially("Conceição")
    page.wait_for_function("history.state.sought === 'Conceição'")
    rows = shown(page)
    agents = page.locator("main [name=atendente]")
    agents.select_option(label=rows[0][AGENT])
    page.wait_for_function("location.hash.includes('atendente')")
    few = shown(page)
    assert 0 < len(few) < len(rows)
    assert all("Conceição" in row[CLIENT] for row in few)
    assert "Concei" not in unquote(page.url)
    page.go_back()
    page.wait_for_function("!location.hash.includes('atendente')")
    assert sought.input_value() == "Conceição"
    assert shown(page) == rows
    page.go_forward()
    page.wait_for_function("location.hash.includes('atendente')")
    assert shown(page) == few


def test_the_order_is_that_of_the_language_and_stays_within_each_part(page: Page) -> None:
    before = shown(page)
    head = page.locator("thead th").nth(AGENT)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    parts = page.locator("tbody[id]").count()
    agents = column(page, AGENT)
    turns = sum(
        one > other
        for one, other in zip(map(_plain, agents), map(_plain, agents[1:]), strict=False)
    )
    assert 0 < turns < parts
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert sorted(shown(page)) == sorted(before)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert shown(page) == before


def _plain(name: str) -> tuple[str, int]:
    first, *_, number = name.split()
    return first.translate(str.maketrans("Éúã", "Eua")), int(number)


def test_a_date_is_ordered_as_a_date(page: Page) -> None:
    page.locator("thead th").nth(CONTACT).get_by_role("button").click()
    page.locator("thead th").nth(CONTACT).get_by_role("button").click()
    days = [row[CONTACT] for row in shown(page) if row[WHATSAPP].startswith("Enviado")]
    assert days == sorted(days, key=lambda day: day.split("/")[::-1], reverse=True)


def test_what_was_chosen_can_be_sent_and_gone_back_to(page: Page, path: Path) -> None:
    everything = shown(page)
    choose(page, "atendente", index=1)
    page.wait_for_function("location.hash.includes('atendente')")
    of_one_agent, address = shown(page), page.url
    assert 0 < len(of_one_agent) < len(everything)
    page.go_back()
    page.wait_for_function("location.hash === ''")
    assert shown(page) == everything
    page.goto("about:blank")
    page.goto(address)
    assert shown(page) == of_one_agent


def test_a_link_to_a_part_shows_exactly_its_rows(
    page: Page, reader_without_script: BrowserContext, path: Path
) -> None:
    links = page.locator("main .counts a[href*='#parte-']")
    assert links.count() > 1
    without_script = reader_without_script.new_page()
    for link in links.all():
        count, _, label = link.inner_text().partition(" ")
        href = link.get_attribute("href") or ""
        page.goto("about:blank")
        page.goto(f"{path.parent.as_uri()}/{href}")
        assert (len(shown(page)), announced(page)) == (int(count), f"{count} de 120 linhas")
        assert page.locator(".bucket:visible bdi").all_inner_texts() == [label]
        without_script.goto("about:blank")
        without_script.goto(f"{path.parent.as_uri()}/{href}")
        seen = without_script.locator("tbody tr:has(td):visible")
        assert seen.count() == int(count)
        assert without_script.locator(".bucket:visible bdi").all_inner_texts() == [label]
        page.goto(path.as_uri())
    without_script.close()


def test_the_skip_link_changes_no_filter(page: Page) -> None:
    choose(page, "contato", value="hoje")
    page.wait_for_function("location.hash.includes('hoje')")
    of_today = shown(page)
    page.evaluate("location.hash = 'conteudo'")
    page.wait_for_timeout(100)
    assert shown(page) == of_today
