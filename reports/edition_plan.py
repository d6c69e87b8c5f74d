"""Plans the documents of an edition in batches, and finds the page at a path."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
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
from reports.paths import INDEX, fichas_stem, list_file, total_name
from reports.queries import call_list_counts
from reports.queries.call_list_counts import ListCount
from reports.render import policy
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
"""Every page class."""

POLICY = policy(*sorted({page.script for page in PAGES if page.script}))
"""The content security policy of every page that this version renders."""

_LISTS_A_PART = 100


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """The documents that one process writes at a time, of one company or of the group (None)."""

    kind: Literal["group", "company", "total", "lists"]
    company_id: str | None = None
    totalizer: str = ""
    lists: tuple[ListCount, ...] = field(default=())


def document_batches(conn: psycopg.Connection, scene: EditionContext) -> list[DocumentBatch]:
    """Split the edition into batches that together produce every document of `scene.kinds` once.

    Fichas and the files of call lists are in the batches of the lists.
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
) -> Generator[Document, None, None]:
    """Build the documents of one batch.

    Args:
        conn: An open transaction, in which tables are named without a schema.
        scene: The context of the edition.
        part: A batch from `document_batches`.

    Returns:
        The documents, built one by one as the generator advances.
    """
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


def find_page(conn: psycopg.Connection, scene: EditionContext, path: str) -> Page | None:
    """Build the view model of one page of the edition.

    Args:
        conn: An open transaction, in which tables are named without a schema.
        scene: The context of the edition, with the companies that may be seen.
        path: The page's path within the edition, as used in links.

    Returns:
        The page, or None when the companies in `scene` have no such page.
    """
    part = _part_of(conn, scene, path)
    if part is None:
        return None
    kinds = scene.kinds - {"files"}
    if path.rpartition("/")[2] in {list_file(entry.agent_id) for entry in part.lists}:
        kinds -= {"fichas"}
    with closing(batch_documents(conn, replace(scene, kinds=kinds), part)) as made:
        found = next((document.content for document in made if document.path == path), None)
    return found if isinstance(found, Page) else None


def _part_of(conn: psycopg.Connection, scene: EditionContext, path: str) -> DocumentBatch | None:
    """Return the batch that contains a page, or None."""
    folder, _, name = path.rpartition("/")
    if not folder:
        return DocumentBatch("group")
    company = next((one for one in scene.companies if one.folder == folder), None)
    if company is None:
        return None
    key = company.company_id
    if name == INDEX:
        return DocumentBatch("company", key)
    for code in labels.TOTALIZERS:
        if name.startswith(total_name(code)):
            return DocumentBatch("total", key, totalizer=code)
    found = call_list_counts.find_call_lists(conn, replace(scene.filters, company_id=key)).get(
        key, ()
    )
    for entry in call_list_counts.with_unassigned(found):
        if name == list_file(entry.agent_id) or name.startswith(fichas_stem(entry.agent_id)):
            return DocumentBatch("lists", key, lists=(entry,))
    return None
