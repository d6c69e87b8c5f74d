"""One user, or slow clients, cannot keep the page from others; `/health` always answers."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

import anyio
import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from reports import exports
from reports.documents import Writer
from reports.exports import Sheet
from reports.lookup import totals_page
from reports.lookup.turns import Turns
from tests.integration.lookup.office import (
    PASSWORD,
    Browser,
    Office,
    Person,
    running,
    token_of,
    with_config,
)

THREADS = 40  # of Starlette, for all blocking work


def signed_in(served: str, person: Person) -> httpx.Client:
    client = httpx.Client(base_url=served, timeout=20)
    token = token_of(client.get("/entrar").text)
    fields = {"csrf": token, "usuario": person.login, "senha": PASSWORD}
    assert client.post("/entrar", data=fields).status_code == 303
    return client


class Held:
    """Work that goes on until the test lets it end; counts who is at it."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.at_work = 0

    def writer(self, _: Sheet) -> Writer:
        """In the place of a writer of workbooks."""
        return self.write

    def write(self, file: BinaryIO) -> None:
        """Writes no workbook, and that slowly."""
        self.at_work += 1
        self.free.wait(30)
        file.write(b"workbook")

    @contextmanager
    def by(self, count: int, asks: Any) -> Iterator[list[Any]]:
        """Let `count` clients ask; their answers are there after the block."""
        answers: list[Any] = []
        with ThreadPoolExecutor(count) as threads:
            asked = [threads.submit(asks) for _ in range(count)]
            try:
                yield answers
            finally:
                self.free.set()
            answers += [each.result() for each in asked]

    def wait_for(self, count: int) -> None:
        """Wait until so many are at it, and a little for more."""
        until = time.monotonic() + 20
        while self.at_work < count:
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.3)


def test_exports_of_one_user_hold_one_thread_and_others_go_on(
    served: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    monkeypatch.setattr(exports, "xlsx_writer", held.writer)
    manager, director = signed_in(served, office.manager), signed_in(served, office.director)
    with held.by(THREADS + 2, lambda: manager.get("/linhas.xlsx").status_code) as answers:
        held.wait_for(1)
        assert director.get("/").status_code == 200
        assert director.get("/health").status_code == 200
    assert held.at_work == 1
    assert sorted(answers) == [200, *[429] * (THREADS + 1)]


def test_other_requests_of_one_user_wait_without_a_thread(
    served: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    show = totals_page.picture_of
    director = signed_in(served, office.director)

    def slow(visit: Any, *rest: Any) -> Any:
        if visit.user.user_id == office.manager.user_id:
            held.at_work += 1
            held.free.wait(30)
        return show(visit, *rest)

    monkeypatch.setattr(totals_page, "picture_of", slow)
    manager = signed_in(served, office.manager)
    with held.by(THREADS + 2, lambda: manager.get("/").status_code) as answers:
        held.wait_for(4)
        assert held.at_work == 4
        assert director.get("/").status_code == 200
    # 4 at a time and 32 that wait.
    assert sorted(answers) == [*[200] * 36, *[429] * (THREADS - 34)]


def test_only_so_many_requests_of_one_user_wait() -> None:
    turns = Turns(of_user=2, in_all=3, patience=0.5)
    outcomes: Counter[str] = Counter()

    async def ask(user: str) -> None:
        began = time.monotonic()
        try:
            async with turns.turn(user):
                await anyio.sleep(1)
            outcomes[f"{user} served"] += 1
        except HTTPException:
            soon = time.monotonic() - began < 0.3
            outcomes[f"{user} refused at once" if soon else f"{user} waited"] += 1

    async def all_ask() -> None:
        async with anyio.create_task_group() as tasks:
            for user in [*["a"] * 30, *["b"] * 2]:
                tasks.start_soon(ask, user)

    anyio.run(all_ask)
    # 2 of a run, 16 wait, the others are refused; of b there is one turn in all left.
    assert outcomes == {
        "a served": 2, "a waited": 16, "a refused at once": 12, "b served": 1, "b waited": 1,
    }  # fmt: skip


def test_health_answers_while_every_thread_and_connection_is_in_use(office: Office) -> None:
    held = Held()

    def block(_: Request) -> PlainTextResponse:
        held.at_work += 1
        held.free.wait(30)
        return PlainTextResponse("done")

    config = with_config(office, requests_at_once=THREADS)
    with running(config) as app, ExitStack() as borrowed:
        app.router.routes.append(Route("/block", block))
        services = app.state.services
        for pool in (services.page, services.keeper):
            for _ in range(office.config.connections):
                borrowed.enter_context(pool.one())
        with Browser(app) as browser, held.by(THREADS, lambda: browser.get("/block").status_code):
            held.wait_for(THREADS)
            began = time.monotonic()
            answers = [browser.get("/health").status_code for _ in range(10)]
            assert answers == [200] * 10
            assert time.monotonic() - began < 2
            refused = browser.get("/entrar")
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            assert "Muitos pedidos" in refused.text


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTTP/1.1\r\nHost: ", b"POST /entrar HTTP/1.1\r\nHost: 127.0.0.1\r\n"
     b"Content-Length: 100\r\n\r\nusuario="],
    ids=["nothing", "half a head", "half a body"],
)  # fmt: skip
def test_half_sent_requests_keep_nobody_out(served: str, said: bytes) -> None:
    host, _, port = served.removeprefix("http://").partition(":")
    with ExitStack() as opened:
        for _ in range(300):
            connection = opened.enter_context(socket.create_connection((host, int(port)), 5))
            connection.sendall(said)
        for path in ("/health", "/entrar"):
            assert httpx.get(served + path).status_code == 200
