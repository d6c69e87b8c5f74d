"""The working day in real Chromium, over HTTP: sign in, filter, open a total, open a Ficha, search,
take the rows away, sign out; accessible on the way, and by keyboard alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect

from orchestration.http_server.listening import bind_socket
from reports.lookup.app import create_app
from reports.paths import company_folder, list_file
from tests.browser import chromium, probes
from tests.integration.lookup.office import PASSWORD, Office, Person


@pytest.fixture(scope="module")
def program() -> Iterator[Browser]:
    """Chromium; skips when there is none, or fails where one is required."""
    try:
        path = chromium.find()
    except chromium.NoBrowser as missing:
        if os.environ.get(chromium.REQUIRED):
            pytest.fail(f"{missing}; {chromium.REQUIRED} is set")
        pytest.skip(str(missing))
    with chromium.started(path) as opened:
        yield opened


@pytest.fixture
def served(office: Office) -> Iterator[str]:
    """The address of the running app."""
    listening = bind_socket("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(create_app(office.config), log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def reader(program: Browser, served: str) -> Iterator[BrowserContext]:
    """Somebody at a browser in Brazil."""
    context = program.new_context(
        base_url=served, locale="pt-BR", timezone_id="America/Sao_Paulo", reduced_motion="reduce"
    )
    yield context
    context.close()


def assert_accessible(page: Page) -> None:
    """Axe finds nothing, and the page need not be moved sideways."""
    assert [*probes.accessibility(page), *probes.overflow(page)] == []


def sign_in(page: Page, person: Person) -> None:
    page.goto("/")
    page.get_by_label("Usuário").fill(person.login)
    page.get_by_label("Senha").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Atendimento")


@pytest.mark.parametrize("who", ["manager", "attendant"])
def test_a_working_day(reader: BrowserContext, office: Office, who: str) -> None:
    person: Person = getattr(office, who)
    page = reader.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(unquote_plus(request.url)))
    page.goto("/")
    assert_accessible(page)
    sign_in(page, person)
    assert_accessible(page)
    assert page.get_by_label("Agente").count() == (1 if who == "manager" else 0)

    expect(page.get_by_label("De", exact=True)).to_be_hidden()
    page.get_by_label("Contato").select_option("intervalo")
    page.get_by_label("De", exact=True).fill("2026-11-01")
    page.get_by_label("Até", exact=True).fill("2026-11-20")
    page.get_by_role("button", name="Filtrar").click()
    assert "de=2026-11-01" in page.url
    expect(page.get_by_label("De", exact=True)).to_have_value("2026-11-01")

    page.get_by_role("link", name="Agendas ativas").click()
    total = page.locator('.totals a[aria-current="true"] strong').first.inner_text()
    rows = page.locator(".rows tbody tr:not(.bucket)")
    assert rows.count() == int(total)
    assert rows.count() > 0
    assert_accessible(page)

    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    lines = Path(taken.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == int(total) + 1

    agenda = rows.first.locator("td").first.inner_text()
    rows.first.get_by_role("link").click()
    expect(page.locator(".ficha")).to_contain_text(agenda)
    assert_accessible(page)
    if who == "manager":
        page.get_by_role("button", name="Mostrar telefones").click()
        expect(page.locator(".ficha")).to_contain_text("•")  # not without a reason
        page.get_by_label("Por quê").select_option("Conferir o cadastro")
        page.get_by_role("button", name="Mostrar telefones").click()
        expect(page.locator(".ficha")).not_to_contain_text("•")
    assert page.get_by_role("button", name="Mostrar telefones").count() == 0

    page.get_by_role("link", name="Procurar", exact=True).click()
    page.get_by_role("searchbox").fill(agenda)
    page.keyboard.press("Enter")
    expect(page.locator(".found")).to_contain_text(agenda)
    assert_accessible(page)
    client = page.locator(".found h2").first.inner_text()
    page.get_by_role("searchbox").fill(client)
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox")).to_have_value(client)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value(client)
    page.locator(".found").get_by_role("link", name=client).first.click()
    expect(page.locator(".ficha")).to_contain_text(client)
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value(client)
    page.go_forward()
    page.get_by_role("link", name="Procurar outro cliente").click()
    expect(page.get_by_role("searchbox")).to_have_value("")
    assert_accessible(page)

    page.get_by_role("searchbox").fill("ninguém com este nome")
    page.keyboard.press("Enter")
    expect(page.locator(".found")).to_have_count(0)
    assert_accessible(page)
    assert [address for address in addresses if "/busca?n=" in address]
    for word in (*client.split(), "ninguém"):
        assert not [address for address in addresses if word.lower() in address.lower()]

    further = ["/senha", "/nada", *(["/acessos"] if who == "manager" else [])]
    for path in further:
        page.goto(path)
        assert_accessible(page)
    page.goto("/")
    page.get_by_role("link", name="Listas e relatórios").click()
    assert_accessible(page)
    report = "Relatório do gerente" if who == "manager" else "Minha lista de ligação"
    page.get_by_role("link", name=report).click()
    for name in ("Edições anteriores", "Qualidade dos dados"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    assert_accessible(page)
    page.go_back()
    page.get_by_role("button", name="Sair").click()
    expect(page.get_by_label("Senha")).to_be_visible()
    assert_accessible(page)
    page.goto("/")
    expect(page.get_by_label("Senha")).to_be_visible()
    assert not [one for one in complaints if "Policy" in one or "Refused" in one]


def test_a_manager_takes_the_list_of_another_for_a_substitute(
    reader: BrowserContext, office: Office
) -> None:
    (company,) = office.manager.company_ids
    folder = f"/relatorios/current/{company_folder(company)}"
    page = reader.new_page()
    sign_in(page, office.manager)
    page.goto(f"{folder}/{list_file(office.attendant.user_id)}")
    expect(page.locator(".phone", has_text="•").first).to_be_visible()
    assert page.locator("a.phone").count() == 0
    assert_accessible(page)
    page.get_by_role("link", name="CSV").click()
    assert_accessible(page)
    page.get_by_label("Por quê").select_option("Substituir o atendente")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Baixar com telefones").click()
    assert taken.value.suggested_filename.endswith(".csv")
    page.get_by_role("link", name="Voltar à lista").click()
    expect(page.locator(".phone", has_text="•").first).to_be_visible()


def tab_to(page: Page, start: str) -> None:
    """Press Tab until what is in focus begins with a text, or is labelled so; it is seen to be."""
    words = (
        "(() => { const it = document.activeElement; const label = it.labels?.[0] ?? it;"
        " return label.textContent.trim(); })()"
    )
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate(words).startswith(start):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    pytest.fail(f"no way to {start!r} by keyboard")


@pytest.mark.parametrize("who", ["manager", "attendant"])
def test_a_working_day_by_keyboard_alone_on_a_phone(
    reader: BrowserContext, office: Office, who: str
) -> None:
    person: Person = getattr(office, who)
    page = reader.new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    keys = page.keyboard
    page.goto("/")
    assert_accessible(page)
    tab_to(page, "Usuário")
    keys.type(person.login)
    tab_to(page, "Senha")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Atendimento")
    keys.press("Tab")
    expect(page.get_by_role("link", name="Ir para o conteúdo")).to_be_focused()
    keys.press("Enter")

    tab_to(page, "Contato")
    keys.press("End")
    tab_to(page, "Filtrar")
    keys.press("Enter")
    page.wait_for_url("**contato=todas**")
    assert_accessible(page)
    tab_to(page, "Agendas ativas")
    keys.press("Enter")
    page.wait_for_url("**total=active**")
    expect(page.get_by_role("heading", level=2, name="Agendas ativas")).to_be_visible()
    for name in ("CSV", "Planilha (XLSX)"):
        tab_to(page, name)
        with page.expect_download() as taken:
            keys.press("Enter")
        assert taken.value.suggested_filename.endswith(".csv" if name == "CSV" else ".xlsx")

    client = page.locator(".rows tbody tr:not(.bucket) a").first.inner_text()
    tab_to(page, client)
    keys.press("Enter")
    expect(page.locator(".ficha")).to_contain_text(client)
    assert_accessible(page)
    if who == "manager":
        tab_to(page, "Por quê")
        keys.press("ArrowDown")
        tab_to(page, "Mostrar telefones")
        keys.press("Enter")
        expect(page.locator(".ficha")).not_to_contain_text("•")
    tab_to(page, "Procurar")
    keys.press("Enter")
    page.wait_for_url("**/busca")
    tab_to(page, "Procurar cliente")
    keys.type(client)
    keys.press("Enter")
    expect(page.locator(".found").first).to_contain_text(client)
    assert_accessible(page)
    tab_to(page, "Sair")
    keys.press("Enter")
    expect(page.get_by_label("Senha")).to_be_visible()
