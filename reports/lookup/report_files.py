"""Serves the pages and files of the publish folder with access control.

Pages of the current edition are rendered for the user (`report_pages.py`). Exports, older editions
and the status pages are sent as written. Access is computed from the user's companies and id, never
from the path: what the user may not open gives 404, whether or not it exists.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from reports import edition_plan, editions
from reports.lookup import list_files, report_pages
from reports.lookup.audit_log import Action
from reports.lookup.masking import reason_of, works
from reports.lookup.request_context import RequestContext
from reports.lookup.users import User
from reports.paths import (
    EDITIONS,
    INDEX,
    QUALITY,
    TOTALS_JSON,
    company_folder,
    fichas_stem,
    has_phones,
)
from reports.paths import list_file as list_of

PREFIX = "/relatorios"
PATH = f"{PREFIX}/{{path:path}}"
_FILE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?:html|csv|xlsx|json)", re.ASCII)
_EDITION = re.compile(r"current|\d{4}-\d{2}-\d{2}T\d{6}Z-[\w-]{1,40}", re.ASCII)
_KINDS = {
    ".html": "text/html",
    ".csv": "text/csv",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TO_TAKE = (".csv", ".xlsx")


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """A file that the user may open.

    `company_id` is None for files of the group, `edition` is None for status pages. `is_of_others`:
    it has phones of rows that the user does not work.
    """

    path: Path
    company_id: str | None = None
    edition: Path | None = None
    is_current: bool = False
    is_of_others: bool = False

    @property
    def is_rendered(self) -> bool:
        """Whether it is a page of the current edition."""
        return self.is_current and self.path.suffix == ".html"


def show(visit: RequestContext) -> Response | Callable[[], Response]:
    """Respond with a page of the current edition, a file, or the form that asks for a reason.

    The form precedes any file with phones of rows that the user does not work.
    """
    place = _find(visit)
    if place.is_rendered and place.edition:
        page = report_pages.find(
            visit,
            place.edition,
            place.path.relative_to(place.edition).as_posix(),
            company_id=place.company_id,
            is_masked=place.is_of_others,
            leads_to_group=sees_group(place.edition, visit.user),
        )
        _record_opened(visit, place)
        return page
    with _open(place) as file:
        facts = os.fstat(file.fileno())
    if place.is_of_others:
        return list_files.ask(visit, is_older=not place.is_current)
    _record_opened(visit, place)
    return _send(place, facts)


def take(visit: RequestContext) -> Response:
    """Send a file with phones of other users' rows, recording user and reason in the access log."""
    place = _find(visit)
    if place.is_rendered or not place.is_of_others:
        raise HTTPException(404)
    reason = reason_of(visit.form)
    with _open(place) as file:
        facts = os.fstat(file.fileno())
    details = {"rows": str(_rows_of(place))} if place.path.suffix in _TO_TAKE else {}
    _record(visit, place, "phone_revealed", **details, reason=reason)
    return _send(place, facts)


def _find(visit: RequestContext) -> ReportPlace:
    place = find(visit.config.publish_dir, visit.user, visit.request.path_params["path"])
    if place is None:
        raise HTTPException(404)
    return place


@contextmanager
def _open(place: ReportPlace) -> Iterator[BinaryIO]:
    """Open the file without following links; `current` is already resolved."""
    try:
        handle = os.open(place.path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise HTTPException(404) from error
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise HTTPException(404)
        yield file


def _rows_of(place: ReportPlace) -> int:
    """Count the clients in a list: the lines of its CSV without the header."""
    with _open(replace(place, path=place.path.with_suffix(".csv"))) as file:
        return sum(1 for _ in file) - 1


def _record_opened(visit: RequestContext, place: ReportPlace) -> None:
    if place.company_id is not None and place.path.name not in (INDEX, TOTALS_JSON):
        is_taken = place.path.suffix in _TO_TAKE
        _record(visit, place, "report_taken" if is_taken else "report_opened")


def _record(visit: RequestContext, place: ReportPlace, action: Action, **details: str) -> None:
    visit.record(
        action,
        company_id=place.company_id,
        file=place.path.name,
        edition=place.path.parent.parent.name,
        **details,
    )


def find(publish_dir: Path, user: User, path: str) -> ReportPlace | None:
    """Find the file of a path below `/relatorios/`.

    Args:
        publish_dir: The publish folder.
        user: The signed-in user.
        path: The path below `/relatorios/`.

    Returns:
        The file, which may not exist, or None if the user may not open it. The group's files and
        older editions require access to every company of the edition.
    """
    *folders, file = path.split("/")
    current = editions.current_edition(publish_dir)
    if not _FILE.fullmatch(file) or len(folders) > 2:
        return None
    if not folders:
        is_there = file in (QUALITY, EDITIONS) and current and sees_group(current, user)
        return ReportPlace(publish_dir / file) if is_there else None
    if not _EDITION.fullmatch(folders[0]):
        return None
    edition = current if folders[0] == "current" else publish_dir / folders[0]
    if edition is None:
        return None
    is_current = current is not None and current.name == edition.name
    if not (is_current and folders[1:]) and not sees_group(edition, user):
        return None
    if not folders[1:]:
        return ReportPlace(edition / file, None, edition, is_current)
    company_id = {company_folder(company): company for company in user.company_ids}.get(folders[1])
    if company_id is None or not (user.is_manager or _works(user, file)):
        return None
    is_of_others = has_phones(file) and not _works(user, file)
    return ReportPlace(edition / folders[1] / file, company_id, edition, is_current, is_of_others)


def sees_group(edition: Path, user: User) -> bool:
    """Whether a manager has access to every company of an edition, and so to the group's pages."""
    own = {company_folder(company_id) for company_id in user.company_ids}
    try:
        folders = {entry.name for entry in os.scandir(edition) if entry.is_dir()}
    except OSError:
        return False
    return user.is_manager and folders <= own


def has(publish_dir: Path, user: User, path: str) -> bool:
    """Return whether a file exists and the user may open it; the arguments are those of `find`."""
    place = find(publish_dir, user, path)
    return place is not None and place.path.is_file()


def _works(user: User, name: str) -> bool:
    """Whether a file of a company belongs to a call list that the user works."""
    return any(_is_of(agent, name) for agent in (user.user_id, None) if works(user, agent))


def _is_of(agent_id: str | None, name: str) -> bool:
    """Whether a file of a company is an agent's call list, its export or its Fichas."""
    stem = Path(list_of(agent_id)).stem
    of_list = {f"{stem}{ending}" for ending in (".html", *_TO_TAKE)}
    return name in of_list or name.startswith(fichas_stem(agent_id))


def _send(place: ReportPlace, facts: os.stat_result) -> Response:
    path = place.path
    is_taken = path.suffix in _TO_TAKE
    response = FileResponse(
        path,
        media_type=_KINDS[path.suffix],
        filename=path.name,
        stat_result=facts,
        content_disposition_type="attachment" if is_taken else "inline",
    )
    if path.suffix == ".html":
        # The page has the same policy in a `<meta>`, where `frame-ancestors` is ignored.
        edition = editions.read_facts(place.edition) if place.edition else None
        policy = edition.policy if edition else edition_plan.POLICY
        response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
    return response
