"""Error pages, the same for "does not exist" and "not yours"."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from reports.lookup import lookup_labels
from reports.lookup.connections import DatabaseUnavailable
from reports.lookup.lookup_labels import Problem
from reports.lookup.masking import NoReason
from reports.lookup.middleware import LOGGER, place_of
from reports.lookup.read_transaction import NothingPublished, OtherEdition
from reports.lookup.request_context import app_services
from reports.lookup.view_model import LookupPage, render_response

_WAIT_SECONDS = "10"
# The server cancels a query or an idle transaction that takes too long.
_TOO_SLOW = (psycopg.errors.QueryCanceled, psycopg.errors.IdleInTransactionSessionTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(LookupPage):
    """What went wrong and what to do."""

    template: ClassVar[str] = "lookup_error.html"

    text: str
    status: int


def error_page(status: int, problem: Problem | None = None) -> Response:
    """Render the page of an HTTP status; a status without a page gives 500."""
    known = status if status in lookup_labels.PROBLEMS else 500
    title, text = problem or lookup_labels.PROBLEMS[known]
    response = render_response(ErrorPage(title=title, text=text, status=known), known)
    if known == 503:
        response.headers["Retry-After"] = _WAIT_SECONDS
    return response


def _http(_: Request, error: HTTPException) -> Response:
    response = error_page(error.status_code)
    response.headers.update(error.headers or {})
    return response


def _away(_: Request, __: Exception) -> Response:
    return error_page(503)


def _nothing_published(_: Request, __: Exception) -> Response:
    return error_page(503, lookup_labels.NOTHING_PUBLISHED)


def _other_edition(_: Request, __: Exception) -> Response:
    return error_page(503, lookup_labels.OTHER_EDITION)


def _no_reason(_: Request, __: Exception) -> Response:
    return error_page(400, lookup_labels.NO_REASON)


def _database(_: Request, error: Exception) -> Response:
    LOGGER.error("%s at %s", type(error).__name__, place_of(error))
    if isinstance(error, _TOO_SLOW):
        return error_page(503, lookup_labels.TOO_SLOW)
    return error_page(503)


def _unknown_relation(request: Request, error: Exception) -> Response:
    """Answer 503 when another version published the tables, which may lack what this one reads.

    With tables of this version it is a bug, so the error is raised again.
    """
    services = app_services(request)
    with suppress(DatabaseUnavailable, psycopg.Error), services.page.one() as conn:
        published = conn.execute(
            "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'marts'"
        ).fetchone()
        if services.config.version and published and published[0] != services.config.version:
            return error_page(503, lookup_labels.OTHER_VERSION)
    raise error


HANDLERS: dict[Any, Callable[[Request, Any], Response]] = {
    HTTPException: _http,
    DatabaseUnavailable: _away,
    NoReason: _no_reason,
    NothingPublished: _nothing_published,
    OtherEdition: _other_edition,
    psycopg.OperationalError: _database,
    psycopg.errors.IdleInTransactionSessionTimeout: _database,
    psycopg.errors.UndefinedColumn: _unknown_relation,
    psycopg.errors.UndefinedFunction: _unknown_relation,
    psycopg.errors.UndefinedTable: _unknown_relation,
    psycopg.errors.InsufficientPrivilege: _unknown_relation,
}
"""Exception handlers for Starlette."""
