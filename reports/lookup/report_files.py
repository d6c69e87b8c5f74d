"""The generated pages, lists and files, each to whom it belongs; anything else is not found.

Who may open what is computed from the user's own companies and id, never looked up from the
address: an address that names anything else leads nowhere, whether or not it is there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import BinaryIO

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from reports import editions
from reports.lookup import list_files, own_links, page_phones
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
    fichas_file,
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
_META_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')
# As `reports/render.py` writes it: a page brings the policy of its own styles and scripts.
_POLICY = re.compile(
    r"default-src 'none'; style-src(?: 'sha256-[\w+/=]+')+; script-src(?: 'sha256-[\w+/=]+')+; "
    r"base-uri 'none'; form-action 'none'",
    re.ASCII,
)
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """A file that the user may open; `company_id` is None for those of the group, `edition` for
    those beside the editions. `is_of_others`: with phones of rows that the user does not work.
    """

    path: Path
    company_id: str | None
    edition: Path | None
    is_of_others: bool = False

    @property
    def folder(self) -> str:
        """The folder in which the links of a page begin, within the publish folder."""
        if self.edition is None:
            return ""
        return "/".join((self.edition.name, *self.path.parent.relative_to(self.edition).parts))


def show(visit: RequestContext) -> Response:
    """Send a file of the publish folder; of a list of others its page with masked phones, of its
    files the question why.
    """
    place = _find(visit)
    is_taken = place.path.suffix in _TO_TAKE
    opens = _opens(visit.config.publish_dir, visit.user, place)
    with _open(place) as file:
        facts = os.fstat(file.fileno())
        content = file.read() if opens or place.is_of_others else file.read(_HEAD_BYTES)
    if place.is_of_others and is_taken:
        return list_files.ask(visit)
    page = page_phones.hidden(content) if place.is_of_others else content
    if page is None:
        raise HTTPException(404)
    if place.company_id is not None and place.path.name not in (INDEX, TOTALS_JSON):
        _record(visit, place, "report_taken" if is_taken else "report_opened")
    if opens:
        page = own_links.only_own(page, place.folder, opens)
    if opens or place.is_of_others:
        return _with_policy(Response(page, media_type=_KINDS[".html"]), content)
    return _with_policy(_send(place.path, facts), content)


def take(visit: RequestContext) -> Response:
    """Send a file of a list of others, with its phones; who asked and why is in the access log."""
    place = _find(visit)
    if not (place.is_of_others and place.path.suffix in _TO_TAKE):
        raise HTTPException(404)
    reason = reason_of(visit.form)
    with _open(place) as file:
        facts = os.fstat(file.fileno())
    _record(visit, place, "phone_revealed", rows=str(_rows_of(place)), reason=reason)
    return _send(place.path, facts)


def _find(visit: RequestContext) -> ReportPlace:
    place = find(visit.config.publish_dir, visit.user, visit.request.path_params["path"])
    if place is None:
        raise HTTPException(404)
    return place


@contextmanager
def _open(place: ReportPlace) -> Iterator[BinaryIO]:
    """The file, not through a link: only `current` is one, and that is resolved by now."""
    try:
        handle = os.open(place.path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise HTTPException(404) from error
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise HTTPException(404)
        yield file


def _rows_of(place: ReportPlace) -> int:
    """How many clients a list names: the lines of its CSV but the first."""
    with _open(replace(place, path=place.path.with_suffix(".csv"))) as file:
        return sum(1 for _ in file) - 1


def _record(visit: RequestContext, place: ReportPlace, action: Action, **details: str) -> None:
    visit.record(
        action,
        company_id=place.company_id,
        file=place.path.name,
        edition=place.path.parent.parent.name,
        **details,
    )


def find(publish_dir: Path, user: User, path: str) -> ReportPlace | None:
    """The file of an address below `/relatorios/`, if the user may open it."""
    parts = path.split("/")
    if not _FILE.fullmatch(parts[-1]):
        return None
    if len(parts) == 1:
        return (
            ReportPlace(publish_dir / parts[0], None, None)
            if _sees(publish_dir, user, path)
            else None
        )
    if not _EDITION.fullmatch(parts[0]):
        return None
    edition = (
        editions.current_edition(publish_dir) if parts[0] == "current" else publish_dir / parts[0]
    )
    if edition is None:
        return None
    if len(parts) == 2:
        return ReportPlace(edition / parts[1], None, edition) if sees_group(edition, user) else None
    if len(parts) != 3:
        return None
    company_id = {company_folder(company): company for company in user.company_ids}.get(parts[1])
    if company_id is None or not (user.is_manager or _works(user, parts[2])):
        return None
    is_of_others = has_phones(parts[2]) and not _works(user, parts[2])
    return ReportPlace(edition / parts[1] / parts[2], company_id, edition, is_of_others)


def sees_group(edition: Path, user: User) -> bool:
    """Whether every company of an edition is the user's: only then the group's pages are theirs."""
    own = {company_folder(company_id) for company_id in user.company_ids}
    try:
        folders = {entry.name for entry in os.scandir(edition) if entry.is_dir()}
    except OSError:
        return False
    return user.is_manager and folders <= own


def _sees(publish_dir: Path, user: User, beside: str) -> bool:
    """Whether a page beside the editions is the user's. Runs and checks are of all companies at
    once, so the page of them is the group's; the list of editions names none.
    """
    edition = editions.current_edition(publish_dir)
    if beside == QUALITY:
        return edition is not None and sees_group(edition, user)
    return beside == EDITIONS and user.is_manager


def has(publish_dir: Path, user: User, path: str) -> bool:
    """Whether there is such a file and the user may open it."""
    place = find(publish_dir, user, path)
    return place is not None and place.path.is_file()


def _works(user: User, name: str) -> bool:
    """Whether a file of a company is of a list that the user works."""
    return any(_is_of(agent, name) for agent in (user.user_id, None) if works(user, agent))


def _is_of(agent_id: str | None, name: str) -> bool:
    """Whether a file of a company is the agent's list, its rows or a part of its Fichas."""
    of_list, of_fichas = Path(list_of(agent_id)).stem, fichas_file(agent_id, 1).rpartition("-")[0]
    return bool(
        re.fullmatch(rf"{of_list}\.(?:html|csv|xlsx)|{of_fichas}-\d{{1,6}}\.html", name, re.ASCII)
    )


def _opens(publish_dir: Path, user: User, place: ReportPlace) -> Callable[[str], str | None] | None:
    """What the links of a page may lead to; None when its reader may open all of them."""
    edition = place.edition or editions.current_edition(publish_dir)
    if place.path.suffix != ".html" or (edition and sees_group(edition, user)):
        return None

    def opens(path: str) -> str | None:
        if find(publish_dir, user, path):
            return path
        name, _, file = path.partition("/")
        if place.edition is None and file == INDEX:
            # The list of editions leads to the group's page; whose that is not, to their own.
            own = f"{name}/{company_folder(user.home_company_id)}/{INDEX}"
            return own if has(publish_dir, user, own) else None
        return None

    return opens


def _send(path: Path, facts: os.stat_result) -> Response:
    is_taken = path.suffix in _TO_TAKE
    return FileResponse(
        path,
        media_type=_KINDS[path.suffix],
        filename=path.name,
        stat_result=facts,
        content_disposition_type="attachment" if is_taken else "inline",
    )


def _with_policy(response: Response, page: bytes) -> Response:
    told = _META_POLICY.search(page[:_HEAD_BYTES].decode("utf-8", "replace"))
    policy = unescape(told[1]) if told else ""
    if _POLICY.fullmatch(policy):
        # The page says the same itself, but cannot say who may frame it.
        response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
    return response
