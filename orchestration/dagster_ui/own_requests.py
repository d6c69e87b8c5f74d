"""Refuses requests that another site's page makes in the browser of somebody who may use the UI.

Dagster checks neither `Host` nor `Origin`. Programs send no `Origin` and no `Sec-Fetch-Site`, so
their requests are accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.lookup.middleware import host_name

GRAPHQL = "/graphql"
_POLICY_VIOLATION = 1008  # RFC 6455


class OwnRequests:
    """Passes on requests of the UI's own pages, of programs, and links that lead to the UI.

    Args:
        app: Dagster's UI.
        hosts: The host names that the UI answers to.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request, or refuse it: 403, also before a websocket is accepted."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _never_framed(send))
        elif scope["type"] == "http":
            await PlainTextResponse(f"{refusal}\n", 403)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal})

    def _refusal(self, scope: Scope) -> str | None:
        """Why a request is refused, or None."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or host_name(hosts[0]) not in self.hosts:
            return (
                "Refused: this is not a name of the UI. Open it by the address that `atendimento "
                "dagster` prints, or add the name to ATENDIMENTO_ALLOWED_HOSTS."
            )
        own = {f"{scheme}://{hosts[0].lower()}" for scheme in ("http", "https")}
        if any(origin.lower() not in own for origin in origins):
            return "Refused: the request came from another site (Origin)."
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not _follows_a_link(scope, headers):
            return "Refused: the request came from another site (Sec-Fetch-Site)."
        if _asks_graphql_by_address(scope, headers):
            # Older browsers send neither header with it.
            return "Refused: GraphQL is asked by POST."
        return None


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether the request opens a page in a tab of its own, as a link in a message does."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _asks_graphql_by_address(scope: Scope, headers: Headers) -> bool:
    """Whether the query is in the address; for `text/html` the page GraphiQL is shown instead."""
    return (
        scope["type"] == "http"
        and scope["path"] == GRAPHQL
        and scope["method"] != "POST"
        and "text/html" not in headers.get("accept", "")
    )


def _never_framed(send: Send) -> Send:
    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "DENY"
        await send(message)

    return send_with_header
