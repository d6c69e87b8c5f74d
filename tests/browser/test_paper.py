"""Every kind of page on A4: nothing cut, every row of every table whole, heads repeated."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from tests.browser import paper
from tests.browser.page_visit import Visit
from tests.browser.publication import KINDS, Publication
from tests.browser.report import expect_none


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("publication", ["hostile", "long"])
def test_a_page_is_printed_whole(
    reader: BrowserContext, request: pytest.FixtureRequest, publication: str, kind: str
) -> None:
    published: Publication = request.getfixturevalue(publication)
    path = published.fullest(kind)
    with Visit(reader, path, published.folder) as visit:
        faults = {
            f"{kind} {path.name}, layout": paper.cut_off(visit.page),
            f"{kind} {path.name}, PDF": paper.lost_in_print(visit.page),
        }
    expect_none(faults)
