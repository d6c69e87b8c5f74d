"""One module a page: its frozen view model, its query and its builder.

Belongs here: which facts a page shows and in which order. Does not: HTML (`templates/`), words
(`labels.py`), rules. `PAGES` lists them all; `tests/conventions/test_pages.py` holds each
template to exactly the fields of its view model.
"""

from __future__ import annotations

from reports.pages.call_list import CallListPage
from reports.pages.companies import CompaniesPage
from reports.pages.manager_day import ManagerDay
from reports.pages.page import Page

PAGES: tuple[type[Page], ...] = (CompaniesPage, ManagerDay, CallListPage)
