"""ASGI middleware: security headers, hosts, body size, proxy headers and uncaught errors."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.lookup.config import LookupConfig
from reports.lookup.networks import is_listed, plain_address

LOGGER = logging.getLogger("atendimento.lookup")
BODY = "atendimento.body"
PROXY_USER = "atendimento.proxy_user"
FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 50

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")

ErrorPage = Callable[[int], Response]


class SafeHeaders:
    """Adds the security headers to every response; a page's own policy takes precedence."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the security headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers[_HTTPS_ONLY[0]] = _HTTPS_ONLY[1]
            await send(message)

        await self.app(scope, receive, send_safe)


class LastErrors:
    """Turns uncaught exceptions into an error page.

    Logs the kind and place of an exception but never its message, which may contain row values.
    """

    def __init__(self, app: ASGIApp, page: ErrorPage) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, with an error page for an uncaught exception."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if scope["type"] != "http":
                raise
            LOGGER.error("%s at %s", type(error).__name__, place_of(error))
            if not started:
                await self.page(500)(scope, receive, send)


def place_of(error: BaseException) -> str:
    """Return the innermost module and line of `reports` in the traceback."""
    place, trace = "?", error.__traceback__
    while trace:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("reports."):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


class KnownHosts:
    """Refuses requests for unknown host names, as a defence against DNS rebinding."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], page: ErrorPage) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts}
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose host is allowed; otherwise respond 400."""
        if scope["type"] == "http":
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or host_name(named[0]) not in self.hosts:
                await self.page(400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def host_name(host: str) -> str:
    """Return the lower-case name of a `Host` header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _in_utf8(value: str) -> str:
    """Decode a header as UTF-8, which most proxies send, after it was read as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _without_client_port(told: str) -> str:
    """Strip the port that some proxies append: 203.0.113.9:5678, [2001:db8::1]:443."""
    if told.startswith("["):
        return told[1:].partition("]")[0]
    address, _, port = told.partition(":")
    return address if port.isdecimal() else told


class Proxy:
    """Applies a trusted proxy's headers: client address, https and, with the sign-in `proxy`, user.

    A trusted proxy has a listed address and sends the secret, if one is set; a user is accepted
    only with it, since any program of the proxy's machine has that address. From anybody else these
    headers are removed unread.
    """

    _SECRET = "x-proxy-secret"  # noqa: S105 — a header
    _HEADERS = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", _SECRET.encode())

    def __init__(self, app: ASGIApp, config: LookupConfig) -> None:
        self.app = app
        self.networks = config.trusted_proxies
        self.secret = config.proxy_secret
        self.user_header = config.proxy_user_header.lower().encode()
        self.tells_users = config.sign_in == "proxy" and bool(config.proxy_secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request with the trusted values."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            client = scope.get("client")
            scope = dict(scope)
            scope[PROXY_USER] = None
            if client and is_listed(client[0], self.networks) and self._has_secret(headers):
                scope["scheme"] = self._scheme(headers) or scope["scheme"]
                scope["client"] = (self._client(headers) or client[0], 0)
                users = headers.getlist(self.user_header.decode())
                if self.tells_users and len(users) == 1:
                    scope[PROXY_USER] = _in_utf8(users[0])
            removed = {*self._HEADERS, self.user_header}
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in removed]
        await self.app(scope, receive, send)

    def _has_secret(self, headers: Headers) -> bool:
        given = headers.getlist(self._SECRET)
        return not self.secret or (
            len(given) == 1
            and hmac.compare_digest(given[0].encode("latin-1"), self.secret.encode())
        )

    def _scheme(self, headers: Headers) -> str | None:
        told = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return told if told in ("http", "https") else None

    def _client(self, headers: Headers) -> str | None:
        """Return the last address that is not a trusted proxy; earlier ones can be forged."""
        chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for told in reversed([_without_client_port(part.strip()) for part in chain]):
            if plain_address(told) is None:
                return None
            if not is_listed(told, self.networks):
                return told
        return None


class SmallBodies:
    """Reads the whole request body before routing, and refuses a large one (413)."""

    def __init__(self, app: ASGIApp, largest: int, page: ErrorPage) -> None:
        self.app = app
        self.largest = largest
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request with its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        body = b""
        more = _is_at_most(self.largest, declared)
        is_small = more
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            is_small = len(body) <= self.largest
            more = message.get("more_body", False) and is_small
        if not is_small:
            response = self.page(413)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        await self.app(dict(scope) | {BODY: body}, receive, send)


class FewRequests:
    """Refuses what arrives while many requests wait or run, but for one path.

    Counts requests that have arrived whole, so that slow clients cannot lock others out.
    """

    def __init__(
        self, app: ASGIApp, most: int, page: Callable[[], Response], *, without: str
    ) -> None:
        self.app = app
        self.most = most
        self.page = page
        self.without = without
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request, or respond with the page."""
        if scope["type"] != "http" or scope["path"] == self.without:
            await self.app(scope, receive, send)
            return
        if self._running >= self.most:
            await self.page()(scope, receive, send)
            return
        self._running += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._running -= 1


def _is_at_most(most: int, told: str) -> bool:
    """Whether a client-supplied number is valid and at most `most`; it may have any length."""
    return told.isdecimal() and len(told) <= len(str(most)) and int(told) <= most


def form_of(request: Request) -> Mapping[str, str]:
    """Parse a urlencoded form; the first of repeated fields counts.

    Raises HTTPException: 415 for another content type, 400 for a malformed body.
    """
    body: bytes = request.scope[BODY]
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM and body:
        raise HTTPException(415)
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise HTTPException(400) from error
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    return form


def assert_own_form(request: Request, given: str, expected: str) -> None:
    """Refuse a form sent by another site or without the session's CSRF token.

    `Sec-Fetch-Site` and `Origin` are checked first. Our referrer policy makes browsers send the
    origin `null`; then the token alone decides.

    Args:
        request: The request that sent the form.
        given: The token in the form.
        expected: The token of the session.

    Raises:
        HTTPException: 403 if the form is refused.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "null")
    if site is not None and site not in ("same-origin", "none"):
        raise HTTPException(403)
    if origin != "null" and not is_own_origin(request, origin):
        raise HTTPException(403)
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise HTTPException(403)


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether an origin is the host that the request is addressed to."""
    # An origin is a scheme and a host; anything else a client sends does not match.
    _, _, host = origin.lower().partition("://")
    return host == request.headers.get("host", "").lower()


# --- Cookies -----------------------------------------------------------------------------------


def cookie_name(request: Request, name: str) -> str:
    """Return the cookie's name; over https `__Host-` is prefixed, which binds it to this host."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send.

    Args:
        request: The request, whose scheme decides on `secure`.
        response: The response to set the cookie on.
        name: The name without prefix.
        value: The value.
    """
    response.set_cookie(
        cookie_name(request, name),
        value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Delete a cookie.

    Args:
        request: The request, whose scheme decides the name.
        response: The response that deletes the cookie.
        name: The name without prefix.
    """
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
