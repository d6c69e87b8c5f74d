"""The web application for WhatsApp's two requests: verification and delivery of events.

Bodies and query strings are never logged: they hold personal data and the verify token.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from orchestration.webhook.journal import SpoolWriter

LARGEST_BODY = 3 << 20
PATH = "/webhook"
LOGGER = logging.getLogger("atendimento.webhook")

# Signed bodies that wait for the disk; WhatsApp resends rejected ones.
AT_ONCE = 64
# Bodies that are still being received, signed or not: that is known at their end.
RECEIVED_BYTES = 32 * LARGEST_BODY

_SIGNATURE = "X-Hub-Signature-256"
_CLOSE_FILE_SECONDS = 15
_DRAIN_SECONDS = 5


class _TooLarge(Exception):
    """The body is larger than LARGEST_BODY."""


class _Displaced(Exception):
    """The body was given up because newer ones needed its memory."""


class _TooLargeResponse(PlainTextResponse):
    """Responds 413 at once, then reads on a little, so that a client still writing sees it."""

    def __init__(self) -> None:
        super().__init__("The body is larger than 3 MB.", 413, {"Connection": "close"})

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the response, then discard the rest of the body, up to a limit."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with anyio.move_on_after(_DRAIN_SECONDS):
            dropped = 0
            while dropped <= LARGEST_BODY:
                message = await receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body"):
                    break
        await send({"type": "http.response.body", "body": b""})


def create_webhook_app(
    journal: SpoolWriter,
    secret: str,
    verify_token: str,
    close_file_seconds: float = _CLOSE_FILE_SECONDS,
    received_bytes: int = RECEIVED_BYTES,
) -> Starlette:
    """Create the application.

    Args:
        journal: Stores the bodies.
        secret: The app secret that signs the bodies.
        verify_token: The token of the verification request.
        close_file_seconds: Interval in seconds after which the open file is closed and can be
            loaded.
        received_bytes: Memory for bodies that are still being received.

    Returns:
        The application.
    """

    async def prove(request: Request) -> Response:
        """WhatsApp verifies the URL once, when it is configured together with the token."""
        asked = request.query_params
        token = asked.get("hub.verify_token", "")
        if asked.get("hub.mode") != "subscribe" or not _equal(token, verify_token):
            return PlainTextResponse("Not subscribed: the mode or the token is wrong.", 403)
        return PlainTextResponse(
            asked.get("hub.challenge", ""), headers={"X-Content-Type-Options": "nosniff"}
        )

    bodies = _BodiesInReceipt(received_bytes)
    room = asyncio.Semaphore(AT_ONCE)

    async def receive(request: Request) -> Response:
        """200 means that the body is on disk; WhatsApp resends after any other status."""
        try:
            body = await bodies.receive(request)
        except _TooLarge:
            LOGGER.warning("A body larger than 3 MB was refused.")
            return _TooLargeResponse()
        except ClientDisconnect:
            return PlainTextResponse("The body was not received completely.", 408)
        except _Displaced:
            return _busy()
        if not _is_signed(body, request.headers.get(_SIGNATURE, ""), secret):
            LOGGER.warning("A body without a valid signature was refused.")
            return PlainTextResponse("The signature is not valid.", 401)
        if room.locked():
            return _busy()
        try:
            async with room:
                await anyio.to_thread.run_sync(journal.append, body)
        except OSError as error:
            LOGGER.error("A body could not be stored: %s.", error.strerror)
            return PlainTextResponse("Not stored; send again.", 503)
        return PlainTextResponse("stored")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_close_files, journal, close_file_seconds)
            yield
            tasks.cancel_scope.cancel()
        journal.close_file()

    return Starlette(
        routes=[
            Route(PATH, prove, methods=["GET"]),
            Route(PATH, receive, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


class _BodiesInReceipt:
    """The bodies that are still being received, in a limited amount of memory.

    Whoever sends slowly cannot keep others out: when the memory is full, the body that began first
    is given up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sizes: dict[anyio.CancelScope, int] = {}  # in the order in which they began

    async def receive(self, request: Request) -> bytes:
        """Receive one body. Raises _TooLarge, _Displaced, or ClientDisconnect."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 9 or int(declared) > LARGEST_BODY):
            raise _TooLarge
        body = bytearray()
        with anyio.CancelScope() as scope:
            self._sizes[scope] = 0
            try:
                async for chunk in request.stream():
                    if len(body) + len(chunk) > LARGEST_BODY:
                        raise _TooLarge
                    body += chunk
                    self._sizes[scope] = len(body)
                    self._displace()
            finally:
                self._sizes.pop(scope, None)
            return bytes(body)
        raise _Displaced

    def _displace(self) -> None:
        while sum(self._sizes.values()) > self._most:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            oldest.cancel()


def _busy() -> Response:
    return PlainTextResponse("Too many requests at once; send again.", 503, {"Connection": "close"})


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    """The signature covers the raw bytes, so it is checked before parsing."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _equal(signature, expected)


def _equal(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


async def _close_files(journal: SpoolWriter, seconds: float) -> None:
    while True:
        await anyio.sleep(seconds)
        await anyio.to_thread.run_sync(journal.close_file)
