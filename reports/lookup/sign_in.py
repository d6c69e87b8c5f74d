"""Sign-in and sign-out with a local account; with the sign-in `proxy`, a page that points there.

A wrong password, an unknown or deactivated user and a locked account get the same response in the
same time. A locked address gets the same response at once. Attempts in a browser in which the user
has signed in before are counted apart from those of its address, which others may share.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.lookup import accounts, audit_log, lookup_labels, search, sessions
from reports.lookup.errors import error_page
from reports.lookup.middleware import assert_own_form, cookie_name, drop_cookie, form_of, set_cookie
from reports.lookup.read_transaction import assert_readable
from reports.lookup.request_context import (
    PASSWORD_PATH,
    SESSION,
    AppServices,
    RequestContext,
    address_of,
    app_services,
    open_session,
    record_refusal,
)
from reports.lookup.sessions import NewSession
from reports.lookup.view_model import LookupPage, render_response

PATH = "/entrar"
LEAVE_PATH = "/sair"
_FORM = "atendimento-entrada"
_BROWSER = "atendimento-navegador"
# A local path: browsers read `//host` and `/\host` as another host.
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}", re.ASCII)
_LONGEST_LOGIN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage(LookupPage):
    """The form. `next_path` is opened after the sign-in; `token` is this browser's CSRF token."""

    template: ClassVar[str] = "lookup_sign_in.html"

    login: str
    next_path: str
    token: str
    refusal: str | None


def form(request: Request) -> Response:
    """Respond 401 with the form or, with the sign-in `proxy`, a page that points to the proxy."""
    if app_services(request).config.sign_in == "proxy":
        response = error_page(401, lookup_labels.PROXY_ONLY)
    else:
        response = _form(request, asked_path(request))
    response.headers["WWW-Authenticate"] = "Session"
    return response


def show(request: Request) -> Response:
    """Show the form at its own address."""
    if app_services(request).config.sign_in == "proxy":
        return RedirectResponse("/", 303)
    return _form(request, "/", status=200)


def enter(request: Request) -> Response:
    """Sign in with login and password in a new session, ending the browser's previous one."""
    services = app_services(request)
    if services.config.sign_in != "local":
        return error_page(404)
    given = form_of(request)
    expected = request.cookies.get(cookie_name(request, _FORM), "")
    assert_own_form(request, given.get("csrf", ""), expected)
    next_path = local_path(given.get("ir", "/"))
    login = given.get("usuario", "").strip()[:_LONGEST_LOGIN]
    opened = _try(services, request, login, given.get("senha", ""))
    if opened is None:
        said = lookup_labels.REFUSED.format(tries=services.config.limits.tries_of_account)
        return _form(request, next_path, login=login, refusal=said)
    before = request.cookies.get(cookie_name(request, SESSION))
    if before:
        with services.keeper.one() as conn:
            sessions.revoke_session(conn, sessions.token_hash(before))
    goes_to = PASSWORD_PATH if opened.session.must_change else next_path
    response = RedirectResponse(goes_to, 303)
    set_cookie(request, response, SESSION, opened.token)
    # The hash opens nothing; it only tells that the user has signed in here.
    set_cookie(request, response, _BROWSER, opened.session.key.hex(), lasts=sessions.KEPT_FOR)
    drop_cookie(request, response, _FORM)
    return response


def leave(visit: RequestContext) -> Response:
    """End the session on the server, so that copies of its token become useless."""
    with visit.keeping() as conn:
        sessions.revoke_session(conn, visit.session.key)
        audit_log.record_action(
            conn, "signed_out", visit.user.user_id, company_id=visit.user.home_company_id
        )
    visit.services.searches.forget(visit.session.key)
    response = RedirectResponse(PATH, 303)
    drop_cookie(visit.request, response, SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _try(services: AppServices, request: Request, login: str, password: str) -> NewSession | None:
    """Start a session if the credentials are valid; every failure takes the same time."""
    address = address_of(request)
    assert_readable(services.page)
    with services.keeper.one() as conn:
        user = accounts.find_login(conn, login)
        attempt = accounts.begin_attempt(
            conn,
            user.user_id if user else None,
            services.config.limits,
            address=address,
            browser=_last_session(request),
        )
        if attempt.locked == "address":
            # Causes neither a password hash nor a log entry: there could be any number.
            return None
        account = accounts.find_account(conn, user.user_id) if user else None
    kept = account.password_hash if account and not attempt.locked else None
    is_right = services.hasher.verify(kept, password)
    with services.keeper.one() as conn:
        if user is None or account is None or not user.active:
            why = "no_account" if user and user.active else ""
        elif not is_right:
            why = "locked" if attempt.locked else "wrong"
        elif account.is_expired:
            why = "expired"
        else:
            accounts.forget_attempts(conn, attempt.source, user.user_id)
            return open_session(
                services,
                conn,
                user,
                kind="local",
                address=address,
                must_change=account.must_change,
            )
        record_refusal(services, conn, user, kind="local", address=address, reason=why)
    return None


def _last_session(request: Request) -> bytes:
    """Return the key of the last session in this browser, or nothing."""
    told = request.cookies.get(cookie_name(request, _BROWSER)) or ""
    return bytes.fromhex(told) if re.fullmatch(r"[0-9a-f]{64}", told, re.ASCII) else b""


def _form(
    request: Request,
    next_path: str,
    *,
    login: str = "",
    refusal: str | None = None,
    status: int = 401,
) -> Response:
    token = request.cookies.get(cookie_name(request, _FORM)) or ""
    is_new = not re.fullmatch(r"[\w-]{43}", token, re.ASCII)
    if is_new:
        token = secrets.token_urlsafe(32)
    page = SignInPage(
        title=lookup_labels.SIGN_IN, login=login, next_path=next_path, token=token, refusal=refusal
    )
    response = render_response(page, status)
    if is_new:
        set_cookie(request, response, _FORM, token)
    return response


def asked_path(request: Request) -> str:
    """Return the path to open after the sign-in: the requested one if a link can lead to it."""
    asked = f"{request.url.path}?{request.url.query}".rstrip("?")
    is_link = request.method == "GET" or request.url.path == search.PATH
    return local_path(asked if is_link else "/")


def local_path(path: str) -> str:
    """Validate a path to open after the sign-in; invalid paths give `/`.

    For the search it is the empty form, without the query string.
    """
    place = path.partition("?")[0]
    if place == search.PATH:
        return place
    own = place in (PATH, LEAVE_PATH, PASSWORD_PATH)
    return path if _LOCAL.fullmatch(path) and not own else "/"
