"""The index of the lists and reports that the user may open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from starlette.responses import Response

from reports import formats
from reports.lookup import lookup_labels, report_files
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import LookupPage, render_response
from reports.paths import EDITIONS, INDEX, QUALITY, company_folder, list_file
from reports.view_model import Link

PATH = "/listas"


class CompanyLinks(NamedTuple):
    """A company and the user's links to its pages."""

    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsIndexPage(LookupPage):
    """The links by company, and those of the group."""

    template: ClassVar[str] = "lookup_home.html"

    companies: tuple[CompanyLinks, ...]
    group: tuple[Link, ...]


def show_reports(visit: RequestContext) -> Response:
    """Show the index."""
    found = visit.conn.execute("select company_id, name from company").fetchall()
    companies = sorted(found, key=lambda company: (formats.name_order(company[1]), company[0]))
    page = ReportsIndexPage(
        title=lookup_labels.HOME,
        signed=visit.signed,
        companies=tuple(
            CompanyLinks(name, tuple(_of_company(visit, company_id)))
            for company_id, name in companies
        ),
        group=tuple(_of_group(visit)),
    )
    return render_response(page)


def _of_company(visit: RequestContext, company_id: str) -> Iterator[Link]:
    folder = f"current/{company_folder(company_id)}"
    offered = (
        (lookup_labels.OWN_LIST, f"{folder}/{list_file(visit.user.user_id)}"),
        (lookup_labels.COMPANY_REPORT, f"{folder}/{INDEX}"),
    )
    return _there(visit, offered)


def _of_group(visit: RequestContext) -> Iterator[Link]:
    offered = (
        (lookup_labels.GROUP_REPORT, f"current/{INDEX}"),
        (lookup_labels.QUALITY, QUALITY),
        (lookup_labels.EDITIONS, EDITIONS),
    )
    return _there(visit, offered)


def _there(visit: RequestContext, offered: tuple[tuple[str, str], ...]) -> Iterator[Link]:
    for text, path in offered:
        if report_files.has(visit.config.publish_dir, visit.user, path):
            yield Link(text, f"{report_files.PREFIX}/{path}")
