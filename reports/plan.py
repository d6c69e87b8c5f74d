"""Which documents an edition has, and in which parts they are made side by side.

Belongs here: the list of parts, and which page module makes the documents of each. Does not: what a
page shows (`pages/`), nor processes and files (`write.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import psycopg

from reports import labels
from reports.documents import Document, Scene
from reports.pages import call_list, companies, lists, manager_day, total_rows
from reports.pages.call_list import CallListPage
from reports.pages.companies import CompaniesPage
from reports.pages.editions_index import EditionsPage
from reports.pages.ficha import FichaPage
from reports.pages.group_total import GroupTotal
from reports.pages.lists import ListCount
from reports.pages.manager_day import ManagerDay
from reports.pages.page import Page
from reports.pages.quality import QualityPage
from reports.pages.total_rows import TotalRows

PAGES: tuple[type[Page], ...] = (
    CompaniesPage,
    GroupTotal,
    ManagerDay,
    TotalRows,
    CallListPage,
    FichaPage,
    QualityPage,
    EditionsPage,
)
"""Every kind of page."""

_LISTS_A_PART = 100


@dataclass(frozen=True, slots=True)
class Part:
    """What one process makes at a time: of one company, or of the group (None)."""

    kind: Literal["group", "company", "total", "lists"]
    company_id: str | None = None
    totalizer: str = ""
    lists: tuple[ListCount, ...] = field(default=())


def parts(conn: psycopg.Connection, scene: Scene) -> list[Part]:
    """The parts of the edition; together they make every document of these kinds exactly once.
    Fichas and the files of lists are made with the lists.
    """
    found = lists.find(conn, scene.filters)
    planned = [Part("group")] if "reports" in scene.kinds else []
    for company in scene.companies:
        key = company.company_id
        if "reports" in scene.kinds:
            planned.append(Part("company", key))
        if "totals" in scene.kinds:
            planned.extend(Part("total", key, totalizer=code) for code in labels.TOTALIZERS)
        if "lists" not in scene.kinds:
            continue
        of_company = lists.with_unassigned(found.get(key, ()))
        planned.extend(
            Part("lists", key, lists=of_company[first : first + _LISTS_A_PART])
            for first in range(0, len(of_company), _LISTS_A_PART)
        )
    return planned


def documents(conn: psycopg.Connection, scene: Scene, part: Part) -> Iterator[Document]:
    """The documents of one part."""
    if part.company_id is None:
        yield from companies.documents(conn, scene)
        return
    company = next(one for one in scene.companies if one.company_id == part.company_id)
    if part.kind == "company":
        yield from manager_day.documents(conn, scene, company)
    elif part.kind == "total":
        yield from total_rows.documents(conn, scene, company, part.totalizer)
    elif part.kind == "lists":
        yield from call_list.documents(conn, scene, company, part.lists)
