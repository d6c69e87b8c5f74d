"""The page for setting a new password, at the first sign-in or at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from reports.lookup import accounts, audit_log, lookup_labels, passwords, sessions
from reports.lookup.middleware import set_cookie
from reports.lookup.request_context import SESSION, RequestContext, address_of
from reports.lookup.view_model import LookupPage, render_response


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPage(LookupPage):
    """The form; `objection` says why the submitted password was refused."""

    template: ClassVar[str] = "lookup_password.html"

    login: str
    is_first: bool
    shortest: int
    objection: str | None


def show(visit: RequestContext) -> Response:
    """Show the form."""
    return _form(visit)


def change(visit: RequestContext) -> Response:
    """Set the new password, end the user's sessions and start a new one for this browser."""
    _assert_local(visit)
    config, user, hasher = visit.config, visit.user, visit.services.hasher
    given = {name: visit.form.get(name, "") for name in ("atual", "nova", "repetida")}
    objection = passwords.password_problem(given["nova"], login=user.login, name=user.name)
    if given["nova"] != given["repetida"]:
        objection = "different"
    elif given["nova"] == given["atual"]:
        objection = "same"
    if objection:
        return _form(visit, objection)
    address = address_of(visit.request)
    with visit.keeping() as conn:
        # Counted for this browser, so that a stolen session does not keep the user out elsewhere.
        is_allowed = accounts.try_in_session(conn, visit.session.key, user.user_id, config.limits)
        account = accounts.find_account(conn, user.user_id)
    if account is None or not is_allowed:
        return _form(visit, "locked")
    if account.is_expired:
        return _form(visit, "expired")
    if not hasher.verify(account.password_hash, given["atual"]):
        visit.record(
            "password_refused", company_id=user.home_company_id, why="wrong", address=address
        )
        return _form(visit, "wrong")
    hashed = hasher.hash(given["nova"])
    with visit.keeping() as conn, conn.transaction():
        accounts.set_password(conn, user.user_id, hashed, must_change=False)
        sessions.revoke_all_sessions(conn, user.user_id)
        opened = sessions.start_session(
            conn, user.user_id, lifetime=config.lifetime, idle=config.idle, address=address
        )
        audit_log.record_action(
            conn, "password_changed", user.user_id, company_id=user.home_company_id, address=address
        )
    response = RedirectResponse("/", 303)
    set_cookie(visit.request, response, SESSION, opened.token)
    return response


def _form(visit: RequestContext, objection: str | None = None) -> Response:
    _assert_local(visit)
    page = PasswordPage(
        title=lookup_labels.NEW_PASSWORD,
        signed=visit.signed,
        login=visit.user.login,
        is_first=visit.session.must_change,
        shortest=passwords.SHORTEST,
        objection=lookup_labels.OBJECTIONS[objection] if objection else None,
    )
    return render_response(page, 422 if objection else 200)


def _assert_local(visit: RequestContext) -> None:
    if visit.config.sign_in != "local":
        raise HTTPException(404)
