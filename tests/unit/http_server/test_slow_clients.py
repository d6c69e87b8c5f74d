"""Time limits of requests and responses, and limits of incomplete requests."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from orchestration.http_server import slow_clients
from orchestration.http_server.listening import bind_socket
from orchestration.http_server.slow_clients import IncompleteRequests, Network, limited_protocol

LARGE = b"x" * (32 << 20)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
Answer = Callable[[bytes], Response]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body of the request, or with a large one."""
    request = Request(scope, receive)
    with suppress(ClientDisconnect):
        body = await request.body()
        await Response(LARGE if scope["path"] == "/large" else body)(scope, receive, send)


async def early(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the body has arrived."""
    await PlainTextResponse("no", 413)(scope, receive, send)


@contextmanager
def serving(application: object = app, exempt: Sequence[Network] = ()) -> Iterator[int]:
    """A server in a thread; its port."""
    listening = bind_socket("127.0.0.1", 0)
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]
        http=limited_protocol(exempt),
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("HEAD_SECONDS", 0.3), ("BODY_SECONDS", 0.3), ("READ_SECONDS", 0.3)):
        monkeypatch.setattr(slow_clients, name, seconds)


def connect(port: int, said: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 5)
    connection.sendall(said)
    return connection


def answer_of(port: int) -> bytes:
    """The first bytes of the answer to a request that is sent at once."""
    with connect(port, HEAD + b"\r\n0123456789") as connection:
        return connection.recv(12)


def seconds_until_closed(connection: socket.socket, drip: bytes = b"") -> float:
    """How long it stays open while a byte is sent now and then, or nothing."""
    began = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() < began + 5:
        try:
            if not connection.recv(1000):
                break
        except TimeoutError:
            with suppress(OSError):
                connection.sendall(drip)
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("said", "drip"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (HEAD, b"X"),  # a header that grows
        (HEAD + b"\r\n", b""),
        (HEAD.replace(b"10", b"1000") + b"\r\n", b"x"),
        (HEAD.replace(b"10", b"1") + b"\r\ny" + HEAD, b""),  # the head of a second request
    ],
    ids=["nothing", "half a line", "drips a head", "no body", "drips a body", "second head"],
)
def test_who_sends_slowly_is_closed_in_time(said: bytes, drip: bytes) -> None:
    with serving() as port, connect(port, said) as connection:
        assert 0.2 < seconds_until_closed(connection, drip) < 4


def test_a_body_that_nobody_reads_does_not_keep_the_connection_open() -> None:
    with serving(early) as port, connect(port, HEAD.replace(b"10", b"1000") + b"\r\n") as slow:
        assert slow.recv(12) == b"HTTP/1.1 413"
        assert seconds_until_closed(slow, b"x") < 4


def test_a_request_in_several_parts_is_answered() -> None:
    with serving() as port, connect(port) as connection:
        for _ in range(3):
            for part in (HEAD, b"\r\n", b"01234", b"56789"):
                connection.sendall(part)
                time.sleep(0.02)
            assert connection.recv(1000).endswith(b"0123456789")


def test_a_slow_reader_gets_all_and_one_that_stops_is_closed() -> None:
    with serving() as port:
        asked = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
        with connect(port, asked) as slow:
            received, began = 0, time.monotonic()
            while received < len(LARGE):
                received += len(slow.recv(1 << 20))
                time.sleep(0.02)
            assert time.monotonic() - began > 0.6  # longer than both limits
        with connect(port, asked) as stopped:
            time.sleep(0.8)
            received = 0
            with suppress(ConnectionError):
                while part := stopped.recv(1 << 20):
                    received += len(part)
            assert received < len(LARGE)


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"\r\n"], ids=["nothing", "head", "body"])
def test_of_one_address_the_longest_waiting_is_closed(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(slow_clients, name, 20)
    with serving() as port, ExitStack() as opened:
        waiting = [opened.enter_context(connect(port, said)) for _ in range(70)]
        assert answer_of(port) == b"HTTP/1.1 200"
        closed = closed_of(waiting)
        # 70, and the one that was answered and then closed, where 64 may be.
        assert closed == waiting[: len(closed)]
        assert 6 <= len(closed) <= 7


def closed_of(connections: Sequence[socket.socket]) -> list[socket.socket]:
    time.sleep(0.1)
    readable, _, _ = select.select(connections, [], [], 0)
    return [each for each in connections if each in readable]


def test_a_listed_proxy_may_hold_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", 20)
    with serving(exempt=[ip_network("127.0.0.0/8")]) as port, ExitStack() as opened:
        waiting = [opened.enter_context(connect(port)) for _ in range(70)]
        assert answer_of(port) == b"HTTP/1.1 200"
        assert not closed_of(waiting)


class _Connection:
    """What `IncompleteRequests` uses of a connection."""

    def __init__(self, address: str) -> None:
        self.client = (address, 1)
        self.transport = self
        self.is_closed = False

    def abort(self) -> None:
        self.is_closed = True


def test_the_addresses_of_one_ipv6_network_count_as_one_and_all_together_are_limited() -> None:
    incomplete = IncompleteRequests()
    neighbours = [_Connection(f"2001:db8::{number:x}") for number in range(65)]
    others = [_Connection(f"10.0.{number // 200}.{number % 200}") for number in range(600)]
    for each in (*neighbours, *others):
        incomplete.add(each)  # type: ignore[arg-type]
    assert [each.is_closed for each in neighbours] == [True] * 65
    assert sum(each.is_closed for each in others) == 600 - slow_clients.INCOMPLETE
    assert others[0].is_closed
