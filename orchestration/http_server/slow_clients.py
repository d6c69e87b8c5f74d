"""Closes connections of clients that send a request, or read its response, too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network
from typing import ClassVar, Literal

from uvicorn.protocols.http.h11_impl import H11Protocol

from reports.lookup.networks import Network, is_listed, plain_address

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
READ_SECONDS = 30.0
INCOMPLETE_OF_ADDRESS = 64
INCOMPLETE = 512

# Of a response that fills the buffers, a client must read this much in READ_SECONDS.
_READ_BYTES = 64 << 10


class IncompleteRequests:
    """The connections whose request has not arrived completely, the longest waiting first.

    Beyond `INCOMPLETE_OF_ADDRESS` of one address, or `INCOMPLETE` in all, the longest waiting is
    closed. So whoever sends a request at once gets an answer, however many others hold theirs back.
    """

    def __init__(self, exempt: Sequence[Network] = ()) -> None:
        self._exempt = exempt
        self._waiting: dict[SlowClientProtocol, Network] = {}

    def add(self, connection: SlowClientProtocol) -> None:
        """Count a connection, and close the longest waiting one if that makes too many."""
        # Without an address it came through a Unix socket, as a proxy's does.
        address = connection.client[0] if connection.client else ""
        plain = plain_address(address)
        if plain is None or is_listed(address, self._exempt):
            return
        # Whoever has an IPv6 address usually has the whole /64 of it.
        own = ip_network((plain, 64 if plain.version == 6 else 32), strict=False)
        self._waiting[connection] = own
        of_address = [each for each, network in self._waiting.items() if network == own]
        if len(of_address) > INCOMPLETE_OF_ADDRESS:
            self._close(of_address[0])
        elif len(self._waiting) > INCOMPLETE:
            self._close(next(iter(self._waiting)))

    def discard(self, connection: SlowClientProtocol) -> None:
        """Forget a connection: its request is complete, or it is closed."""
        self._waiting.pop(connection, None)

    def _close(self, connection: SlowClientProtocol) -> None:
        self.discard(connection)
        connection.transport.abort()


class SlowClientProtocol(H11Protocol):
    """HTTP with a time limit for each request's head and body, and for reading its response.

    The limit of a head runs from the opening of the connection, or from the response before it;
    parts that arrive do not restart it. `incomplete` belongs to one server (`limited_protocol`).
    """

    incomplete: ClassVar[IncompleteRequests]

    _awaited: Literal["head", "body"] | None = None
    _sending: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._follow()

    def data_received(self, data: bytes) -> None:
        """Notice whether the head or the body is complete."""
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Start waiting for the next head."""
        super().on_response_complete()
        self._follow()

    def pause_writing(self) -> None:
        """Start watching whether the client reads its response."""
        super().pause_writing()
        self._expect_reading()
        self._follow()

    def resume_writing(self) -> None:
        """Stop watching: the client has read."""
        super().resume_writing()
        self._cancel_reading()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        super().connection_lost(exc)
        self._cancel_reading()
        self._follow()

    def _follow(self) -> None:
        """Restart the timer, and count the connection, when something else is awaited than before.

        While the client reads a response nothing is awaited of it.
        """
        awaited: Literal["head", "body"] | None
        if self.transport.is_closing() or self.flow.write_paused:
            awaited = None
        elif self.cycle is None or self.cycle.response_complete:
            awaited = "head"
        else:
            awaited = "body" if self.cycle.more_body else None
        if awaited == self._awaited:
            return
        self._awaited = awaited
        if self._sending is not None:
            self._sending.cancel()
        if awaited is None:
            self.incomplete.discard(self)
            return
        seconds = HEAD_SECONDS if awaited == "head" else BODY_SECONDS
        self._sending = self.loop.call_later(seconds, self.transport.abort)
        self.incomplete.add(self)

    def _expect_reading(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READ_SECONDS, self._assert_reading, unread)

    def _assert_reading(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _READ_BYTES:
            self.transport.abort()
        else:
            self._expect_reading()

    def _cancel_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()


def limited_protocol(exempt: Sequence[Network]) -> type[SlowClientProtocol]:
    """The protocol of one server; listed proxies may hold any number of connections open."""

    class Limited(SlowClientProtocol):
        incomplete = IncompleteRequests(exempt)

    return Limited
