"""Sign-in and sign-out by OpenID Connect.

The provider is reached by a link, and its sign-out by a page that redirects itself: the policy
`form-action 'self'` also applies to redirects after a form, so a form cannot lead to the provider.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from reports.lookup import audit_log, lookup_labels, openid_states, sessions, sign_in
from reports.lookup.config import OpenIdConfig
from reports.lookup.errors import error_page
from reports.lookup.middleware import LOGGER, cookie_name, drop_cookie, set_cookie
from reports.lookup.openid import AFTER_PATH, RETURN_PATH, Provider, ProviderAway, SignInRefused
from reports.lookup.read_transaction import user_of_login
from reports.lookup.request_context import (
    SESSION,
    AppServices,
    RequestContext,
    address_of,
    app_services,
    in_turn_of_address,
    open_request_context,
)
from reports.lookup.sessions import NewSession
from reports.lookup.view_model import LookupPage, render_response

BEGIN_PATH = "/entrar/acesso"
_BROWSER = "atendimento-acesso"
_LONGEST = 4_000
_LONGEST_LOGIN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsidePage(LookupPage):
    """A sentence and a link; with `leads_by_itself` the page follows the link itself."""

    template: ClassVar[str] = "lookup_outside.html"

    text: str
    onward: str
    onward_text: str
    leads_by_itself: bool = False


class OpenIdSignIn:
    """The sign-in and sign-out routes for one provider."""

    def __init__(self, config: OpenIdConfig) -> None:
        self._provider = Provider(config)

    def routes(self) -> list[Route]:
        """Return the routes, which override those of local sign-in and sign-out."""
        return [
            Route(sign_in.PATH, self.show),
            Route(BEGIN_PATH, in_turn_of_address(self.begin)),
            Route(RETURN_PATH, in_turn_of_address(self.finish)),
            Route(AFTER_PATH, self.after),
            Route(sign_in.LEAVE_PATH, open_request_context(self.leave), methods=["POST"]),
        ]

    def form(self, request: Request) -> Response:
        """Respond 401 with the link to the provider."""
        response = _invitation(sign_in.asked_path(request), lookup_labels.OPENID_ASKS, 401)
        response.headers["WWW-Authenticate"] = "Session"
        return response

    def show(self, _: Request) -> Response:
        """Show the sign-in page at its own address."""
        return _invitation("/", lookup_labels.OPENID_ASKS, 200)

    def begin(self, request: Request) -> Response:
        """Store a pending sign-in for this browser and redirect it to the provider."""
        next_path = sign_in.local_path(request.query_params.get("ir", "/"))
        browser = request.cookies.get(cookie_name(request, _BROWSER), "")
        if not re.fullmatch(r"[\w-]{43}", browser, re.ASCII):
            browser = secrets.token_urlsafe(32)
        with app_services(request).keeper.one() as conn:
            under_way = openid_states.begin_sign_in(conn, browser, next_path)
        try:
            address = self._provider.authorization(under_way)
        except ProviderAway:
            return error_page(503, lookup_labels.PROVIDER_AWAY)
        response = RedirectResponse(address, 303)
        set_cookie(request, response, _BROWSER, browser)
        return response

    def finish(self, request: Request) -> Response:
        """Handle the provider's redirect: start a session, or refuse with the same message
        always.
        """
        services, given = app_services(request), request.query_params
        browser = request.cookies.get(cookie_name(request, _BROWSER), "")
        with services.keeper.one() as conn:
            under_way = openid_states.take_sign_in(conn, given.get("state", ""), browser)
        if under_way is None:
            return _invitation("/", lookup_labels.OPENID_REFUSED, 401)
        code = given.get("code", "")
        try:
            if not code or len(code) > _LONGEST or "error" in given:
                raise SignInRefused("no code")
            login = self._provider.login(under_way, code, given.get("iss"))
            opened = _open(services, login, address_of(request))
        except ProviderAway:
            return error_page(503, lookup_labels.PROVIDER_AWAY)
        except SignInRefused as refused:
            LOGGER.warning("openid: sign-in refused: %s", refused)
            _record_refusal(services, address_of(request))
            return _invitation("/", lookup_labels.OPENID_REFUSED, 401)
        before = request.cookies.get(cookie_name(request, SESSION))
        if before:
            with services.keeper.one() as conn:
                sessions.revoke_session(conn, before)
        response = RedirectResponse(under_way.next_path, 303)
        set_cookie(request, response, SESSION, opened.token)
        drop_cookie(request, response, _BROWSER)
        return response

    def leave(self, visit: RequestContext) -> Response:
        """End the session here, then continue to the provider's sign-out."""
        response = sign_in.leave(visit)
        response.headers["Location"] = AFTER_PATH
        return response

    def after(self, request: Request) -> Response:
        """Show the signed-out page, which leads to the provider's sign-out if it has one."""
        try:
            address = None if "fim" in request.query_params else self._provider.end_session()
        except ProviderAway:
            address = None
        page = OutsidePage(
            title=lookup_labels.SIGNED_OUT,
            text=lookup_labels.OPENID_LEAVES if address else lookup_labels.OPENID_LEFT,
            onward=address or sign_in.PATH,
            onward_text=lookup_labels.OPENID_GO_ON if address else lookup_labels.OPENID_AGAIN,
            leads_by_itself=address is not None,
        )
        return render_response(page)


def _open(services: AppServices, login: str, address: str) -> NewSession:
    """Start a session for the active user of a login; raises SignInRefused when there is none."""
    user = user_of_login(services.page, login) if len(login) <= _LONGEST_LOGIN else None
    if user is None:
        raise SignInRefused("no active user with that login")
    with services.keeper.one() as conn:
        opened = sessions.start_session(
            conn, user.user_id, lifetime=services.config.lifetime, address=address
        )
        audit_log.record_action(
            conn,
            "signed_in",
            user.user_id,
            company_id=user.home_company_id,
            kind="openid",
            address=address,
        )
    return opened


def _record_refusal(services: AppServices, address: str) -> None:
    with services.keeper.one() as conn:
        audit_log.record_action(conn, "sign_in_refused", None, kind="openid", address=address)


def _invitation(next_path: str, text: str, status: int) -> Response:
    page = OutsidePage(
        title=lookup_labels.SIGN_IN,
        text=text,
        onward=f"{BEGIN_PATH}?{urlencode({'ir': sign_in.local_path(next_path)})}",
        onward_text=lookup_labels.OPENID_ENTER,
    )
    return render_response(page, status)
