"""The page that asks for a reason before opening a file with phones of other users' rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from starlette.responses import Response

from reports.lookup import lookup_labels
from reports.lookup.masking import REASONS
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import Choice, LookupPage, render_response
from reports.paths import INDEX
from reports.view_model import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilePage(LookupPage):
    """`reveal` is the address of the file, and `words` the text of the button that requests it."""

    template: ClassVar[str] = "lookup_list_file.html"

    reveal: str
    words: str
    back: Link
    reasons: tuple[Choice, ...] = REASONS


def ask(visit: RequestContext, *, is_older: bool) -> Response:
    """Show the page, at the file's own address.

    An older edition has no list with masked phones to go back to.
    """
    path = PurePosixPath(visit.request.url.path)
    page = ListFilePage(
        title=lookup_labels.LIST_FILE,
        signed=visit.signed,
        reveal=path.name,
        words=lookup_labels.OPEN_WITH_PHONES
        if path.suffix == ".html"
        else lookup_labels.TAKE_WITH_PHONES,
        back=Link(lookup_labels.BACK_TO_REPORT, INDEX)
        if is_older
        else Link(lookup_labels.BACK_TO_LIST, path.with_suffix(".html").name),
    )
    return render_response(page)
