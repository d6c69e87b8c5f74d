"""A visit: one request of somebody who is signed in, in a reading transaction of their own.

def view(visit: Visit) -> Response: …            or what makes it when the reading has ended
Route("/caminho", visiting(view))
Route("/caminho", visiting(view), methods=["POST"])      form checked, in `visit.form`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.lookup import audit_log, sessions
from reports.lookup.audit_log import Action
from reports.lookup.config import LookupConfig
from reports.lookup.connections import ConnectionPools
from reports.lookup.middleware import (
    PROXY_USER,
    assert_own_form,
    cookie_name,
    drop_cookie,
    form_of,
    set_cookie,
)
from reports.lookup.passwords import Hasher
from reports.lookup.read_transaction import read_as_user, user_of_login
from reports.lookup.sessions import NewSession, Session
from reports.lookup.users import User
from reports.lookup.view_model import Signed

SESSION = "atendimento"
PASSWORD_PATH = "/senha"  # noqa: S105 — an address
_SAFE_METHODS = ("GET", "HEAD")

SignInForm = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class AppServices:
    """What the app keeps while it runs: `page` reads the published tables, `keeper` has accounts,
    sessions and the access log. `sign_in_form` answers whoever is not signed in.
    """

    config: LookupConfig
    page: ConnectionPools
    keeper: ConnectionPools
    hasher: Hasher
    sign_in_form: SignInForm


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a route is given. `conn` is read-only, sees the user's rows alone, and names tables
    without a schema; it ends with the route. A publication waits for it, so what takes long and
    reads nothing more is returned as a function, which makes the answer afterwards.
    """

    request: Request
    services: AppServices
    user: User
    session: Session
    conn: psycopg.Connection
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> LookupConfig:
        """What the app was told."""
        return self.services.config

    @property
    def signed(self) -> Signed:
        """For the head of a page, and its forms."""
        return Signed(
            self.user.name,
            self.session.csrf,
            self.user.is_manager,
            self.config.sign_in == "local",
        )

    @property
    def token(self) -> str:
        """Of the session, as the browser sent it; empty when it was opened by this very request."""
        return self.request.cookies.get(cookie_name(self.request, SESSION)) or ""

    def keeping(self) -> AbstractContextManager[psycopg.Connection]:
        """A connection to accounts, sessions and the access log."""
        return self.services.keeper.one()

    def record(
        self,
        action: Action,
        *,
        company_id: str | None = None,
        agenda_id: str | None = None,
        client_id: str | None = None,
        **details: str,
    ) -> None:
        """Add to the access log what the user does; before it is shown, so that it is recorded."""
        with self.keeping() as conn:
            audit_log.record_action(
                conn,
                action,
                self.user.user_id,
                company_id=company_id,
                agenda_id=agenda_id,
                client_id=client_id,
                **details,
            )


View = Callable[[RequestContext], Response | Callable[[], Response]]


def app_services(request: Request) -> AppServices:
    """What the app of this request keeps."""
    services: AppServices = request.app.state.services
    return services


def open_request_context(
    view: View,
    *,
    with_first_password: bool = False,
    turn: AbstractContextManager[object] | None = None,
) -> Callable[[Request], Response]:
    """The endpoint that leads to a view. Whoever is not signed in gets the sign-in form (401).

    `with_first_password`: open also to somebody who must choose a new password first. `turn`: what
    is waited for, once it is known who asks and before anything is read.
    """
    turn = turn or nullcontext()

    def endpoint(request: Request) -> Response:
        try:
            return _visit(request, view, with_first_password, turn)
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
            raise
        except psycopg.OperationalError:
            # The database went away in the middle; reading again is harmless.
            if request.method not in _SAFE_METHODS:
                raise
            return _visit(request, view, with_first_password, turn)

    return endpoint


def _visit(
    request: Request, view: View, with_first_password: bool, turn: AbstractContextManager[object]
) -> Response:
    services = app_services(request)
    opened, session = _session(services, request)
    if session is None:
        return _not_signed_in(services, request)
    form: Mapping[str, str] = {}
    if request.method not in _SAFE_METHODS:
        form = form_of(request)
        assert_own_form(request, form.get("csrf", ""), session.csrf)
    if session.must_change and not with_first_password:
        return RedirectResponse(PASSWORD_PATH, 303)
    with turn:
        with read_as_user(services.page, session.user_id) as (conn, user):
            if user is None:
                with services.keeper.one() as keeper:
                    sessions.revoke_all_sessions(keeper, session.user_id)
                return _not_signed_in(services, request)
            answer = view(RequestContext(request, services, user, session, conn, form))
        response = answer if isinstance(answer, Response) else answer()
    if opened:
        set_cookie(request, response, SESSION, opened.token)
    return response


def _session(services: AppServices, request: Request) -> tuple[NewSession | None, Session | None]:
    """The session in force; behind a proxy that names the user, one just opened where needed."""
    config = services.config
    session = None
    token = request.cookies.get(cookie_name(request, SESSION))
    if token:
        with services.keeper.one() as conn:
            session = sessions.find_session(
                conn, token, idle=config.idle, with_account=config.sign_in == "local"
            )
    if config.sign_in != "proxy":
        return None, session
    login = request.scope[PROXY_USER]
    user = user_of_login(services.page, login) if login else None
    if user is None:
        return None, None
    if session and session.user_id == user.user_id:
        return None, session
    if request.method not in _SAFE_METHODS:
        raise HTTPException(403)
    with services.keeper.one() as conn:
        opened = sessions.start_session(
            conn, user.user_id, lifetime=config.lifetime, address=address_of(request)
        )
        audit_log.record_action(
            conn, "signed_in", user.user_id, company_id=user.home_company_id, kind="proxy"
        )
    return opened, opened.session


def _not_signed_in(services: AppServices, request: Request) -> Response:
    response = services.sign_in_form(request)
    if cookie_name(request, SESSION) in request.cookies:
        drop_cookie(request, response, SESSION)
    return response


def address_of(request: Request) -> str:
    """Where a request comes from, a listed proxy's word included."""
    return request.client.host if request.client else ""
