"""Serves the metrics file at `/metrics` of the lookup page, to requests with the token.

The process reads a file only: its database role may not see what the metrics are made from.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse

ADDRESS = "/metrics"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def with_metrics_endpoint(app: App, file: Path, token: str) -> App:
    """Return the app with `/metrics` added, or the app itself when no token is set.

    Args:
        app: The ASGI app of the lookup page.
        file: The metrics file.
        token: The bearer token that a request must have.
    """
    if not token:
        return app

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == ADDRESS:
            await _answer(Request(scope), file, token)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return either


def _answer(request: Request, file: Path, token: str) -> PlainTextResponse:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
        return PlainTextResponse("The token is missing or wrong.\n", 401, headers)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return PlainTextResponse("No metrics were written yet.\n", 503)
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"}, media_type=_TYPE)
