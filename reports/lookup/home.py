"""The lists and reports: the user's companies, with the reports and lists that are theirs.

Belongs here: the page. Does not: which files there may be (`report_files.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from starlette.responses import Response

from reports import formats
from reports.lookup import report_files, words
from reports.lookup.page import LookupPage, answer
from reports.lookup.visit import Visit
from reports.pages.page import Link
from reports.paths import EDITIONS, INDEX, QUALITY, company_folder, list_file

PATH = "/listas"


class CompanyLinks(NamedTuple):
    """A company and what the user may open of it."""

    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage(LookupPage):
    """What there is to open."""

    template: ClassVar[str] = "lookup_home.html"

    companies: tuple[CompanyLinks, ...]
    group: tuple[Link, ...]


def show(visit: Visit) -> Response:
    """The page."""
    found = visit.conn.execute("select company_id, name from company").fetchall()
    companies = sorted(found, key=lambda company: (formats.name_order(company[1]), company[0]))
    page = HomePage(
        title=words.HOME,
        signed=visit.signed,
        companies=tuple(
            CompanyLinks(name, tuple(_of_company(visit, company_id)))
            for company_id, name in companies
        ),
        group=tuple(_of_group(visit)),
    )
    return answer(page)


def _of_company(visit: Visit, company_id: str) -> Iterator[Link]:
    folder = f"current/{company_folder(company_id)}"
    offered = (
        (words.OWN_LIST, f"{folder}/{list_file(visit.user.user_id)}"),
        (words.COMPANY_REPORT, f"{folder}/{INDEX}"),
    )
    return _there(visit, offered)


def _of_group(visit: Visit) -> Iterator[Link]:
    offered = (
        (words.GROUP_REPORT, f"current/{INDEX}"),
        (words.QUALITY, QUALITY),
        (words.EDITIONS, EDITIONS),
    )
    return _there(visit, offered)


def _there(visit: Visit, offered: tuple[tuple[str, str], ...]) -> Iterator[Link]:
    for text, path in offered:
        if report_files.has(visit.config.publish_dir, visit.user, path):
            yield Link(text, f"{report_files.PREFIX}/{path}")
