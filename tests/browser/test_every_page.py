"""Every kind of page, in both widths and both colour schemes, from a group with hostile names."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext

from tests.browser import probes
from tests.browser.page_visit import Visit
from tests.browser.publication import KINDS, READ_AT, Publication
from tests.browser.report import expect_none
from tests.unit.reports.published_tables import EDITION, HOSTILE_NAMES

WIDTHS = (390, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
REFLOW = 320
"""The width at which WCAG 1.4.10 lets nothing move sideways: 1280 pixels enlarged four times."""


def test_every_kind_of_page_is_tried(hostile: Publication) -> None:
    assert sorted(hostile.pages) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fetches_nothing_and_can_be_read_by_everyone(
    reader: BrowserContext, hostile: Publication, kind: str
) -> None:
    faults: dict[str, list[str]] = {}
    for path in hostile.samples(kind):
        with Visit(reader, path, hostile.folder) as visit:
            page = visit.page
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    faults[f"{kind} {path.name}, {width} px, {scheme}"] = probes.accessibility(page)
                faults[f"{kind} {path.name}, {width} px"] = probes.overflow(page)
            page.set_viewport_size({"width": REFLOW, "height": 900})
            faults[f"{kind} {path.name}, {REFLOW} px"] = probes.overflow(page)
            faults[f"{kind} {path.name}"] = (
                probes.outside_addresses(page) + probes.title(page) + visit.faults()
            )
    expect_none(faults)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_left_open_for_days_says_so_and_can_still_be_read(
    reader: BrowserContext, hostile: Publication, kind: str
) -> None:
    path = hostile.fullest(kind)
    with Visit(reader, path, hostile.folder, later=timedelta(days=3)) as visit:
        warning = visit.page.locator("#pagina-antiga")
        assert warning.is_visible()
        faults = {f"{kind} {path.name}": probes.accessibility(visit.page) + visit.faults()}
    expect_none(faults)


@pytest.mark.parametrize(
    ("minutes", "is_late"), [(14.9, False), (15.1, True)], ids=["in time", "late"]
)
def test_a_page_whose_next_edition_did_not_come_says_so(
    reader: BrowserContext, hostile: Publication, minutes: float, is_late: bool
) -> None:
    """As after a run that a check stopped: the edition stays, at the next look it tells."""
    assert EDITION.next_expected
    later = EDITION.next_expected + timedelta(minutes=minutes) - READ_AT
    faults = {}
    for kind in ("manager_day", "call_list"):
        with Visit(reader, hostile.fullest(kind), hostile.folder, later=later) as visit:
            assert visit.page.locator("#pagina-atrasada").is_visible() == is_late
            assert visit.page.locator("#pagina-antiga").is_hidden()
            faults[kind] = probes.accessibility(visit.page) + visit.faults()
    expect_none(faults)


def test_names_stay_names(reader: BrowserContext, hostile: Publication) -> None:
    faults: dict[str, list[str]] = {}
    texts: list[str] = []
    for path in hostile.showing(HOSTILE_NAMES):
        with Visit(reader, path, hostile.folder) as visit:
            made = probes.made_by_names(visit.page, HOSTILE_NAMES)
            faults[path.name] = made + visit.faults()
            texts.append(visit.page.evaluate("document.body.textContent"))
    expect_none(faults)
    for name in HOSTILE_NAMES:
        assert any(name.strip() in text for text in texts), f"no page shows {name!r} as it is"
