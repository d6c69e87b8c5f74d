"""Which documents an edition has, and in which parts they are made side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import psycopg

from reports import labels
from reports.documents import Document, EditionContext
from reports.pages import call_list, company_report, group_report, total_rows
from reports.pages.call_list import CallListPage
from reports.pages.company_report import CompanyReport
from reports.pages.editions_index import EditionsPage
from reports.pages.ficha import FichaPage
from reports.pages.group_report import GroupReportPage
from reports.pages.group_total import GroupTotal
from reports.pages.quality import QualityPage
from reports.pages.total_rows import TotalRows
from reports.queries import call_list_counts
from reports.queries.call_list_counts import ListCount
from reports.view_model import Page

PAGES: tuple[type[Page], ...] = (
    GroupReportPage,
    GroupTotal,
    CompanyReport,
    TotalRows,
    CallListPage,
    FichaPage,
    QualityPage,
    EditionsPage,
)
"""Every kind of page."""

_LISTS_A_PART = 100


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """What one process makes at a time: of one company, or of the group (None)."""

    kind: Literal["group", "company", "total", "lists"]
    company_id: str | None = None
    totalizer: str = ""
    lists: tuple[ListCount, ...] = field(default=())


def document_batches(conn: psycopg.Connection, scene: EditionContext) -> list[DocumentBatch]:
    """The parts of the edition; together they make every document of these kinds exactly once.
    Fichas and the files of lists are made with the lists.
    """
    found = call_list_counts.find_call_lists(conn, scene.filters)
    planned = [DocumentBatch("group")] if "reports" in scene.kinds else []
    for company in scene.companies:
        key = company.company_id
        if "reports" in scene.kinds:
            planned.append(DocumentBatch("company", key))
        if "totals" in scene.kinds:
            planned.extend(
                DocumentBatch("total", key, totalizer=code) for code in labels.TOTALIZERS
            )
        if "lists" not in scene.kinds:
            continue
        of_company = call_list_counts.with_unassigned(found.get(key, ()))
        planned.extend(
            DocumentBatch("lists", key, lists=of_company[first : first + _LISTS_A_PART])
            for first in range(0, len(of_company), _LISTS_A_PART)
        )
    return planned


def batch_documents(
    conn: psycopg.Connection, scene: EditionContext, part: DocumentBatch
) -> Iterator[Document]:
    """The documents of one part."""
    if part.company_id is None:
        yield from group_report.group_report_documents(conn, scene)
        return
    company = next(one for one in scene.companies if one.company_id == part.company_id)
    if part.kind == "company":
        yield from company_report.company_report_documents(conn, scene, company)
    elif part.kind == "total":
        yield from total_rows.total_rows_documents(conn, scene, company, part.totalizer)
    elif part.kind == "lists":
        yield from call_list.call_list_documents(conn, scene, company, part.lists)
