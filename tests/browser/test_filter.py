"""Filtering a grid of 5,000 rows: what is left is shown before a person sees a delay."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ElementHandle, Page

from reports.edition_plan import PAGES
from tests.browser.large_tables import ROWS_TO_FILTER
from tests.browser.publication import Publication

GRID = next(Path(page.template).stem for page in PAGES if page.script == "grid.js")
TRIES = 20

_SHOWN = """() => [...document.querySelectorAll("main tbody tr:has(td)")]
    .filter((row) => row.checkVisibility()).map((row) => row.textContent).join("\\n")"""
# A value that some rows have and others have not: of a list the first, else a date or part of a
# name.
_A_CHOICE = """(control) => control.localName === "select"
    ? control.options[1].value
    : control.type === "date" ? "2026-11-10" : "Sá 11" """
# What a person's choice causes, in milliseconds until the changed rows are painted; null when no
# row changes.
_CHOOSE = """async (control, value) => {
    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    let changed = false;
    const watch = new MutationObserver(() => { changed = true; });
    watch.observe(document.querySelector("main table:has(tbody td)"),
        {subtree: true, childList: true, attributes: true});
    await painted();
    const start = performance.now();
    control.value = value;
    control.dispatchEvent(new Event("input", {bubbles: true}));
    control.dispatchEvent(new Event("change", {bubbles: true}));
    while (performance.now() - start < 2000) {
        const before = changed;
        await painted();
        if (before) return performance.now() - start;
    }
    return null;
}"""


@pytest.fixture
def page(reader: BrowserContext, large: Publication) -> Iterator[Page]:
    """The grid of the total that counts every agenda."""
    made = reader.new_page()
    made.set_viewport_size({"width": 1280, "height": 900})
    made.goto(large.fullest(GRID).as_uri())
    yield made
    made.close()


# A machine that runs other tests meanwhile is slower: there only a filter of another order fails.
@pytest.mark.parametrize("milliseconds", [300, pytest.param(100, marks=pytest.mark.proof)])
def test_a_filter_answers_before_it_is_felt(page: Page, milliseconds: int) -> None:
    """From the choice to the painted rows."""
    assert page.locator("main tbody tr:has(td)").count() == ROWS_TO_FILTER
    best: dict[str, float] = {}
    for control in page.locator("main select, main input").element_handles():
        if control.is_visible():
            best[str(control.get_attribute("name"))] = best_of_tries(page, control, milliseconds)
    assert best
    assert max(best.values()) < milliseconds, best


def best_of_tries(page: Page, control: ElementHandle, enough: float) -> float:
    """What the page takes at its best: the machine may be busy with more than this test."""
    best = math.inf
    for _ in range(TRIES):
        best = min(best, tried(page, control))
        if best < enough:
            break
    return best


def tried(page: Page, control: ElementHandle) -> float:
    """Choose with one control and take the choice back; how long the slower of both took."""
    value, before = control.input_value(), page.evaluate(_SHOWN)
    chosen: float | None = control.evaluate(_CHOOSE, control.evaluate(_A_CHOICE))
    assert chosen is not None, "the choice changes no row"
    assert page.evaluate(_SHOWN) not in ("", before)
    back: float = control.evaluate(_CHOOSE, value)
    assert page.evaluate(_SHOWN) == before
    return max(chosen, back)
