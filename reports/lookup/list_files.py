"""Somebody else's list to take away: before its phones go, the reader says why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from starlette.responses import Response

from reports.lookup import lookup_labels
from reports.lookup.masking import REASONS
from reports.lookup.request_context import RequestContext
from reports.lookup.view_model import Choice, LookupPage, render_response


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilePage(LookupPage):
    """`reveal` is where the file is asked for, `back` the list itself, with masked phones."""

    template: ClassVar[str] = "lookup_list_file.html"

    reveal: str
    back: str
    reasons: tuple[Choice, ...] = REASONS


def ask(visit: RequestContext) -> Response:
    """The page, at the file's own address."""
    path = PurePosixPath(visit.request.url.path)
    page = ListFilePage(
        title=lookup_labels.LIST_FILE,
        signed=visit.signed,
        reveal=path.name,
        back=path.with_suffix(".html").name,
    )
    return render_response(page)
