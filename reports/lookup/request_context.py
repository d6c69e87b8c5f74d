"""The context of a signed-in request, with its own read transaction.

A view and its routes:

    def view(context: RequestContext) -> Response: ...  # or a function run after the transaction
    Route("/caminho", open_request_context(view))
    Route("/caminho", open_request_context(view), methods=["POST"])  # form checked, in `form`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.lookup import audit_log, sessions
from reports.lookup.audit_log import Action
from reports.lookup.config import LookupConfig
from reports.lookup.connections import ConnectionPools
from reports.lookup.health_probe import HealthProbe
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
from reports.lookup.turns import Turns
from reports.lookup.users import User
from reports.lookup.view_model import Signed

SESSION = "atendimento"
PASSWORD_PATH = "/senha"  # noqa: S105 — an address
_SAFE_METHODS = ("GET", "HEAD")

T = TypeVar("T")
SignInForm = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class AppServices:
    """The resources of the app.

    `page` reads the published tables; `keeper` writes accounts, sessions and the access log.
    `sign_in_form` answers requests that are not signed in. `turns` are those of all signed-in
    requests, `export_turns` those of exports.
    """

    config: LookupConfig
    page: ConnectionPools
    keeper: ConnectionPools
    probe: HealthProbe
    hasher: Hasher
    sign_in_form: SignInForm
    turns: Turns
    export_turns: Turns

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the connections, without waiting for the server, until the block ends."""
        resources = (self.page, self.keeper, self.probe)
        for each in resources:
            each.open()
        try:
            yield
        finally:
            for each in resources:
                each.close()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The argument of a route's view.

    `conn` is read-only, sees only the user's rows and names tables without a schema; it closes
    after the view. Publications wait for it, so slow work that reads nothing more should be
    returned as a function, which builds the response afterwards.
    """

    request: Request
    services: AppServices
    user: User
    session: Session
    conn: psycopg.Connection
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> LookupConfig:
        """The app's configuration."""
        return self.services.config

    @property
    def signed(self) -> Signed:
        """The signed-in user, for the page header and forms."""
        return Signed(
            self.user.name,
            self.session.csrf,
            self.user.is_manager,
            self.config.sign_in == "local",
        )

    @property
    def token(self) -> str:
        """The session token that the browser sent; empty if this request opened the session."""
        return self.request.cookies.get(cookie_name(self.request, SESSION)) or ""

    def keeping(self) -> AbstractContextManager[psycopg.Connection]:
        """Borrow a connection to accounts, sessions and the access log."""
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
        """Record an action of the user in the access log; call it before showing the result.

        Args:
            action: What the user does.
            company_id: The company concerned.
            agenda_id: The agenda concerned.
            client_id: The client concerned.
            details: Further codes or counts, by name.

        Raises:
            psycopg.Error: The entry could not be written.
        """
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
    """Return the resources of the app."""
    services: AppServices = request.app.state.services
    return services


def open_request_context(
    view: View, *, with_first_password: bool = False, is_export: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a view as an endpoint; requests that are not signed in get the sign-in form (401).

    Args:
        view: The view.
        with_first_password: Whether the view is open to a user who must first set a new password.
        is_export: Whether the view makes a file, for which there are few turns.

    Returns:
        The endpoint. It waits for its user's turn without a thread, and answers 429 if none comes.
    """

    async def endpoint(request: Request) -> Response:
        services = app_services(request)
        admitted = await _in_thread(request, partial(_admit, request, with_first_password))
        if isinstance(admitted, Response):
            return admitted
        turns = services.export_turns if is_export else services.turns
        async with turns.turn(admitted.session.user_id):
            return await _in_thread(request, partial(_visit, request, view, admitted))

    return endpoint


def in_turn_of_address(view: Callable[[Request], Response]) -> Callable[..., Awaitable[Response]]:
    """Wrap a slow view that anybody may request: an address has as many turns as a user."""

    async def endpoint(request: Request) -> Response:
        async with app_services(request).turns.turn(f"address {address_of(request)}"):
            return await run_in_threadpool(view, request)

    return endpoint


async def _in_thread(request: Request, work: Callable[[], T]) -> T:
    """Do blocking work; once more if a safe method lost its connection."""
    try:
        return await run_in_threadpool(work)
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
        raise
    except psycopg.OperationalError:
        if request.method not in _SAFE_METHODS:
            raise
        return await run_in_threadpool(work)


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A signed-in request: its session, whether that was just started, and its form."""

    session: Session
    opened: NewSession | None
    form: Mapping[str, str]


def _admit(request: Request, with_first_password: bool) -> _Admitted | Response:
    """Return the request's session and form, or the response that sends it elsewhere."""
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
    return _Admitted(session, opened, form)


def _visit(request: Request, view: View, admitted: _Admitted) -> Response:
    services, session = app_services(request), admitted.session
    with read_as_user(services.page, session.user_id) as (conn, user):
        if user is None:
            with services.keeper.one() as keeper:
                sessions.revoke_all_sessions(keeper, session.user_id)
            return _not_signed_in(services, request)
        answer = view(RequestContext(request, services, user, session, conn, admitted.form))
    response = answer if isinstance(answer, Response) else answer()
    if admitted.opened:
        set_cookie(request, response, SESSION, admitted.opened.token)
    return response


def _session(services: AppServices, request: Request) -> tuple[NewSession | None, Session | None]:
    """Return the session; with the sign-in `proxy`, start one if necessary."""
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
    """Return the client's IP address, as reported by a trusted proxy if there is one."""
    return request.client.host if request.client else ""
