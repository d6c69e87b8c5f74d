"""Each probe finds its fault on a page made wrong on purpose, and none on a page that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser import paper, probes
from tests.browser.page_visit import Visit

POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
RIGHT = """<!doctype html><html lang="pt-BR"><head><meta charset="utf-8">
<title>Lista · Tela de Atendimento</title></head><body><a href="#main">Pular</a>
<main id="main"><h1>Lista</h1><p><bdi>\u202eenod\u202c</bdi>: <a href="#main">um</a></p>
<table><thead><tr><th>Cliente</th></tr></thead><tbody>{rows}</tbody></table></main></body></html>"""
ROWS = "".join(f"<tr><td>Cliente número {number}</td></tr>" for number in range(90))

WRONG: list[tuple[Callable[[Page], list[str]], str, str]] = [
    (probes.accessibility, "<input>", "label"),
    (probes.accessibility, '<p style="color:#ccc;background:#fff">pale</p>', "color-contrast"),
    (probes.accessibility, "<p>" + "<a href=#>i</a><br>" * 3 + "</p>", "target-size"),
    (probes.overflow, '<div style="width:1500px">wide</div>', "px wide in"),
    (probes.outside_addresses, '<link rel="preconnect" href="//example.com">', "//example.com"),
    (probes.title, "<h1>Outra</h1>", "2 h1"),
    (probes.not_shown, "<ul hidden><li>x</ul>", "hidden: <ul"),
    (probes.idle_controls, "<button>Filtrar</button>", "does nothing"),
    (probes.idle_controls, '<a href="#gone">x</a>', "leads nowhere"),
    (probes.keyboard, '<a href="#x" style="outline:none">x</a>', "no outline"),
    (probes.keyboard, '<a href="#x" style="position:absolute;left:-999px">x</a>', "out of sight"),
    (
        probes.keyboard,
        '<a href="#x" onkeydown="event.preventDefault()">x</a><a href="#y">y</a>',
        "Tab comes back",
    ),
    (
        probes.keyboard,
        '<a href="#x">x</a><div style="position:fixed;inset:0;background:#fff">over</div>',
        "covered",
    ),
    (paper.cut_off, '<div style="width:900px">wide</div>', "of 718"),
    (paper.cut_off, '<div style="overflow:auto"><p style="width:900px">x</div>', "cut at the side"),
    (paper.cut_off, '<div style="overflow:auto;height:1em">a<br>b</div>', "cut below"),
    (
        paper.lost_in_print,
        '<p style="opacity:0;display:inline-block">lost words</p>',
        "not printed",
    ),
    (
        paper.lost_in_print,
        "<style>thead{display:table-row-group}</style>",
        "its head is missing on sheet 2",
    ),
    (
        paper.lost_in_print,
        "<table><tr><td>" + "<br>".join(f"line {number}" for number in range(90)) + "</table>",
        "not whole on one sheet",
    ),
]


@pytest.fixture
def page(reader: BrowserContext) -> Iterator[Page]:
    """An empty page."""
    made = reader.new_page()
    made.set_viewport_size({"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.mark.parametrize(("probe", "fault", "told"), WRONG)
def test_a_fault_is_found(
    page: Page, probe: Callable[[Page], list[str]], fault: str, told: str
) -> None:
    page.set_content(RIGHT.format(rows=ROWS).replace("</main>", f"{fault}</main>"))
    assert any(told in found for found in probe(page))


@pytest.mark.parametrize("probe", dict.fromkeys(probe for probe, _, _ in WRONG))
def test_nothing_is_found_where_nothing_is_wrong(
    page: Page, probe: Callable[[Page], list[str]]
) -> None:
    page.set_content(RIGHT.format(rows=ROWS))
    assert probe(page) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("<img src=x onerror=alert(1)>", "an element no page has"),
        ('<p title=""oops">x</p>', "oops"),
        ("<p>\u202eenod <i>x</i></p>", "no <bdi>"),
    ],
)
def test_a_name_that_is_not_inert_is_found(page: Page, name: str, told: str) -> None:
    page.set_content(RIGHT.format(rows=name))
    assert any(told in found for found in probes.made_by_names(page, [name]))


def test_an_inert_name_is_not_found(page: Page) -> None:
    page.set_content(RIGHT.format(rows="<tr><td>&lt;img src=x onerror=alert(1)&gt;"))
    assert probes.made_by_names(page, ["<img src=x onerror=alert(1)>"]) == []


@pytest.mark.parametrize(
    ("head", "body", "told"),
    [
        (POLICY, '<p style="color:red">x</p>', "policy: style-src-attr"),
        (POLICY, "<script>alert(1)</script>", "policy: script-src"),
        ("", "<script>alert(1)</script>", "dialog: 1"),
        ("", "<script>throw new Error('broke')</script>", "script error: broke"),
        ("", '<img src="https://example.com/a.png">', "request: https://example.com/a.png"),
        ("", '<img src="../../other.png">', "external request: file:"),
    ],
)
def test_what_a_page_does_is_seen(
    reader: BrowserContext, tmp_path: Path, head: str, body: str, told: str
) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "page.html").write_text(f"<!doctype html>{head}<title>x</title>{body}")
    with Visit(reader, folder / "page.html", folder) as visit:
        assert any(told in fault for fault in visit.faults()), visit.faults()
