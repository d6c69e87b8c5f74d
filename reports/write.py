"""Writing the complete set of pages of one edition into a new folder.

Belongs here: which pages an edition has, and putting them into files that only their owner reads.
Does not: what a page shows (`pages/`), nor which edition is read (`editions.py`). Queries name
tables without a schema: the caller's search_path says which set is shown.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psycopg
from psycopg.pq import TransactionStatus

from reports.editions import (
    OWNER_ONLY_FILE,
    OWNER_ONLY_FOLDER,
    Edition,
    PublishError,
    told,
)
from reports.filters import EVERYTHING, Filters
from reports.pages import call_list, companies, manager_day, totals
from reports.pages.company import Company
from reports.pages.company import find as find_companies
from reports.pages.manager_day import ListCount
from reports.pages.page import Page
from reports.paths import INDEX, list_file
from reports.render import render

_PAGES_A_REPORT = 100

Progress = Callable[[int], None]
"""Called now and then with the number of pages written so far."""


def _silent(_: int) -> None:
    """Nobody asked."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an edition holds."""

    companies: int
    lists: int
    rows: int
    pages: int
    size: int


def write_pages(
    conn: psycopg.Connection,
    folder: Path,
    *,
    edition: Edition,
    on_progress: Progress = _silent,
) -> Written:
    """Write every page of the edition into `folder`, which is new or empty.

    Whatever goes wrong, the folder is removed and nothing else was touched. Raises PublishError
    when the file system refuses, or when something is in the folder already.
    """
    with told(folder, "made for the pages"):
        folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY_FOLDER)
        if any(folder.iterdir()):
            raise PublishError(
                f"{folder} is not empty; pages are only written into a new folder. "
                "Nothing was changed."
            )
    alone = conn.info.transaction_status == TransactionStatus.IDLE
    try:
        with conn.transaction():
            if alone:
                # All queries see one state, whatever is published meanwhile.
                conn.execute("set transaction isolation level repeatable read")
            return _write(conn, _Folder(folder, on_progress), edition)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(conn: psycopg.Connection, folder: _Folder, edition: Edition) -> Written:
    # The writer of the pages sees all; who may open which page is for whoever serves them (R14).
    filters = Filters(access=EVERYTHING)
    # A cursor is planned for its first rows unless told that all will be read.
    conn.execute("set local cursor_tuple_fraction = 1")
    shown = find_companies(conn, filters)
    counts = totals.find(conn, filters)
    loss_reasons = totals.find_loss_reasons(conn)
    alarms = manager_day.find_alarms(conn, filters)
    found = manager_day.find_lists(conn, filters)
    lists = {
        company.company_id: manager_day.with_unassigned(found.get(company.company_id, ()))
        for company in shown
    }

    stamp = companies.find_stamp(conn, edition.as_of, edition.timezone)
    folder.write(INDEX, companies.build(stamp, shown, counts, alarms, lists))
    for company in shown:
        key = company.company_id
        page = manager_day.build(
            company, counts.get(key, {}), loss_reasons, alarms.get(key, ()), lists[key]
        )
        folder.write(f"{company.folder}/{INDEX}", page)
    rows = 0
    for company, entry, listed in _lists(conn, filters, shown, lists):
        title = manager_day.list_title(entry.agent_id, entry.name)
        page_of_list = call_list.build(company, title, listed)
        folder.write(f"{company.folder}/{list_file(entry.agent_id)}", page_of_list)
        rows += len(listed)
    return Written(
        companies=len(shown),
        lists=sum(map(len, lists.values())),
        rows=rows,
        pages=folder.pages,
        size=folder.size,
    )


def _lists(
    conn: psycopg.Connection,
    filters: Filters,
    shown: list[Company],
    lists: dict[str, tuple[ListCount, ...]],
) -> Iterator[tuple[Company, ListCount, list[call_list.ListedAgenda]]]:
    """Every list once: the ones with rows as they stream by, then the empty ones."""
    companies_by_id = {company.company_id: company for company in shown}
    waiting = {
        (company_id, entry.agent_id): entry
        for company_id, entries in lists.items()
        for entry in entries
    }
    for company_id, agent_id, rows in call_list.stream(conn, filters):
        yield companies_by_id[company_id], waiting.pop((company_id, agent_id)), rows
    for (company_id, _), entry in waiting.items():
        yield companies_by_id[company_id], entry, []


class _Folder:
    """The folder being filled, and how far it is."""

    def __init__(self, root: Path, on_progress: Progress) -> None:
        self.root, self.on_progress = root, on_progress
        self.pages = self.size = 0

    def write(self, name: str, page: Page) -> None:
        """Write one page to a file that was not there before."""
        html = render(page).encode()
        path = self.root / name
        with told(path, "written; the new edition was removed"):
            path.parent.mkdir(exist_ok=True, mode=OWNER_ONLY_FOLDER)
            with _new_file(path) as file:
                file.write(html)
        self.pages += 1
        self.size += len(html)
        if self.pages % _PAGES_A_REPORT == 0:
            self.on_progress(self.pages)


def _new_file(path: Path) -> BinaryIO:
    """Open a file that only its owner reads, from its first byte on.

    It must not be there: should two ids ever share a name, the run fails rather than mix two lists.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    return open(handle, "wb")
