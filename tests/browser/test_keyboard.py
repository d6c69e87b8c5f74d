"""Every kind of page by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from tests.browser import probes
from tests.browser.page_visit import Visit
from tests.browser.publication import KINDS, Publication
from tests.browser.report import expect_none


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_can_be_walked_by_tab(
    reader: BrowserContext, hostile: Publication, kind: str
) -> None:
    path = hostile.fullest(kind)
    with Visit(reader, path, hostile.folder) as visit:
        visit.page.set_viewport_size({"width": 1280, "height": 900})
        faults = {f"{kind} {path.name}": probes.keyboard(visit.page)}
    with Visit(reader, path, hostile.folder) as visit:
        faults[f"{kind} {path.name}, skip link"] = probes.skip_link(visit.page)
    expect_none(faults)
