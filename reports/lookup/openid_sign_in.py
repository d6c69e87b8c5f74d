"""Signing in and out by OpenID Connect.

Belongs here: the routes, and what binds a sign-in to the browser that began it. Does not: what is
said to the provider and believed of it (`openid.py`), nor sessions, which are those of every kind.

A link leads to the provider, and a page that goes on by itself leads to signing out there: our
policy lets forms lead to our own addresses alone, and a browser holds to it through redirects.
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

from reports.lookup import log, openid_states, sessions, sign_in, words
from reports.lookup.config import OpenIdConfig
from reports.lookup.errors import error_page
from reports.lookup.openid import AFTER_PATH, RETURN_PATH, Provider, ProviderAway, Refused
from reports.lookup.page import LookupPage, answer
from reports.lookup.reading import user_of_login
from reports.lookup.security import LOGGER, cookie_name, drop_cookie, set_cookie
from reports.lookup.sessions import Opened
from reports.lookup.visit import SESSION, Services, Visit, address_of, services_of, visiting

BEGIN_PATH = "/entrar/acesso"
_BROWSER = "atendimento-acesso"
_LONGEST = 4_000
_LONGEST_LOGIN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsidePage(LookupPage):
    """A sentence and the way on; `leads_by_itself` when nobody needs to follow it by hand."""

    template: ClassVar[str] = "lookup_outside.html"

    text: str
    onward: str
    onward_text: str
    leads_by_itself: bool = False


class Door:
    """The way in and out by one provider."""

    def __init__(self, config: OpenIdConfig) -> None:
        self._provider = Provider(config)

    def routes(self) -> list[Route]:
        """Its addresses, those of signing in and out among them."""
        return [
            Route(sign_in.PATH, self.show),
            Route(BEGIN_PATH, self.begin),
            Route(RETURN_PATH, self.finish),
            Route(AFTER_PATH, self.after),
            Route(sign_in.LEAVE_PATH, visiting(self.leave), methods=["POST"]),
        ]

    def form(self, request: Request) -> Response:
        """For whoever is not signed in (401): the link that leads to the provider."""
        response = _invitation(sign_in.asked_path(request), words.OPENID_ASKS, 401)
        response.headers["WWW-Authenticate"] = "Session"
        return response

    def show(self, _: Request) -> Response:
        """The same at an address of its own."""
        return _invitation("/", words.OPENID_ASKS, 200)

    def begin(self, request: Request) -> Response:
        """Send the browser to the provider, and remember that this one was sent."""
        next_path = sign_in.local_path(request.query_params.get("ir", "/"))
        browser = request.cookies.get(cookie_name(request, _BROWSER), "")
        if not re.fullmatch(r"[\w-]{43}", browser, re.ASCII):
            browser = secrets.token_urlsafe(32)
        with services_of(request).keeper.one() as conn:
            under_way = openid_states.begin(conn, browser, next_path)
        try:
            address = self._provider.authorization(under_way)
        except ProviderAway:
            return error_page(503, words.PROVIDER_AWAY)
        response = RedirectResponse(address, 303)
        set_cookie(request, response, _BROWSER, browser)
        return response

    def finish(self, request: Request) -> Response:
        """Where the provider sends people back to: a session, or one refusal for every reason."""
        services, given = services_of(request), request.query_params
        browser = request.cookies.get(cookie_name(request, _BROWSER), "")
        with services.keeper.one() as conn:
            under_way = openid_states.take(conn, given.get("state", ""), browser)
        if under_way is None:
            return _invitation("/", words.OPENID_REFUSED, 401)
        code = given.get("code", "")
        try:
            if not code or len(code) > _LONGEST or "error" in given:
                raise Refused("no code")
            login = self._provider.login(under_way, code, given.get("iss"))
            opened = _open(services, login, address_of(request))
        except ProviderAway:
            return error_page(503, words.PROVIDER_AWAY)
        except Refused as refused:
            LOGGER.warning("openid: nobody was signed in: %s", refused)
            _record_refusal(services, address_of(request))
            return _invitation("/", words.OPENID_REFUSED, 401)
        before = request.cookies.get(cookie_name(request, SESSION))
        if before:
            with services.keeper.one() as conn:
                sessions.revoke(conn, before)
        response = RedirectResponse(under_way.next_path, 303)
        set_cookie(request, response, SESSION, opened.token)
        drop_cookie(request, response, _BROWSER)
        return response

    def leave(self, visit: Visit) -> Response:
        """End the session here; then at the provider."""
        response = sign_in.leave(visit)
        response.headers["Location"] = AFTER_PATH
        return response

    def after(self, request: Request) -> Response:
        """Signed out here: on to signing out at the provider, if it can be done there."""
        try:
            address = None if "fim" in request.query_params else self._provider.end_session()
        except ProviderAway:
            address = None
        page = OutsidePage(
            title=words.SIGNED_OUT,
            text=words.OPENID_LEAVES if address else words.OPENID_LEFT,
            onward=address or sign_in.PATH,
            onward_text=words.OPENID_GO_ON if address else words.OPENID_AGAIN,
            leads_by_itself=address is not None,
        )
        return answer(page)


def _open(services: Services, login: str, address: str) -> Opened:
    """A session for the active user of a login. Raises Refused when there is none."""
    user = user_of_login(services.page, login) if len(login) <= _LONGEST_LOGIN else None
    if user is None:
        raise Refused("no active user of that login")
    with services.keeper.one() as conn:
        opened = sessions.start(
            conn, user.user_id, lifetime=services.config.lifetime, address=address
        )
        log.record(
            conn,
            "signed_in",
            user.user_id,
            company_id=user.home_company_id,
            kind="openid",
            address=address,
        )
    return opened


def _record_refusal(services: Services, address: str) -> None:
    with services.keeper.one() as conn:
        log.record(conn, "sign_in_refused", None, kind="openid", address=address)


def _invitation(next_path: str, text: str, status: int) -> Response:
    page = OutsidePage(
        title=words.SIGN_IN,
        text=text,
        onward=f"{BEGIN_PATH}?{urlencode({'ir': sign_in.local_path(next_path)})}",
        onward_text=words.OPENID_ENTER,
    )
    return answer(page, status)
