"""Every kind of page where scripts do not run: all content is there, and nothing that is idle."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from tests.browser import probes
from tests.browser.page_visit import Visit
from tests.browser.publication import KINDS, Publication
from tests.browser.report import expect_none


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_shows_all_without_script(
    reader_without_script: BrowserContext, hostile: Publication, kind: str
) -> None:
    faults: dict[str, list[str]] = {}
    for path in hostile.samples(kind):
        with Visit(reader_without_script, path, hostile.folder) as visit:
            page = visit.page
            faults[f"{kind} {path.name}"] = (
                probes.not_shown(page) + probes.idle_controls(page) + visit.faults()
            )
            assert page.locator("h1").inner_text().strip()
            assert page.locator("main").locator("table, ul, ol, dl, p").count() > 0
    expect_none(faults)
