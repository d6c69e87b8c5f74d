"""The receiver under bad senders, many senders, a full disk and `kill -9`; then what is loaded.

The server runs in a process of its own, as in production; figures are printed.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from deliveries import AT, BASE, agenda, dispatch, load, stored
from whatsapp_payloads import body, status

from orchestration.http_server.slow_clients import HEAD_SECONDS
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool
from orchestration.postgres.database import Database
from orchestration.webhook.app import AT_ONCE, LARGEST_BODY, RECEIVED_BYTES, create_webhook_app
from orchestration.webhook.journal import SpoolWriter

SECRET, TOKEN = "app secret", "token of our own"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver and its folder."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def request(
        self, method: str, path: str, sent: bytes = b"", **headers: str
    ) -> tuple[int, bytes]:
        """One request over a connection of its own: status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, sent or None, named)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, sent: bytes, signature: str | None = None) -> int:
        """Post a body, signed unless told how; the status of the answer."""
        given = signature if signature is not None else signed(sent)
        return self.request("POST", "/webhook", sent, X_Hub_Signature_256=given)[0]

    def received(self) -> list[bytes]:
        """Every line that a load would find."""
        return [line for path in spool.closed_files(self.folder) for line in spool.read_lines(path)]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and wait until it is gone."""
        self.process.send_signal(how)
        self.process.wait(20)


def signed(sent: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), sent, hashlib.sha256).hexdigest()


def start(home: Path, root: Path) -> Receiver:
    """Start `atendimento webhook` on a free port and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if "ATENDIMENTO" not in name},
        "ATENDIMENTO_HOME": str(home),
        "ATENDIMENTO_WHATSAPP_APP_SECRET": SECRET,
        "ATENDIMENTO_WHATSAPP_VERIFY_TOKEN": TOKEN,
    }
    home.mkdir(exist_ok=True)
    with (home / "said").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "webhook", "--port", str(port)],
            cwd=root,
            env=environment,
            stdout=said,
            stderr=said,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return Receiver(process, port, home / "whatsapp")
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail((home / "said").read_text())


@pytest.fixture
def receiver(tmp_path: Path, root: Path) -> Iterator[Receiver]:
    started = start(tmp_path / "home", root)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.stop(signal.SIGKILL)


def test_only_what_whatsapp_signed_is_taken(receiver: Receiver) -> None:
    sent = body([status("sent", AT)])
    wrong = ["", "sha256=", "sha1=" + "0" * 40, signed(sent, "another secret"), signed(sent + b" ")]
    answers = [receiver.post(sent, signature) for signature in wrong]
    assert answers == [401] * len(wrong)
    unsigned, _ = receiver.request("POST", "/webhook", sent)
    assert unsigned == 401
    assert receiver.post(sent) == 200
    receiver.stop()
    assert receiver.received() == [sent]
    print(f"\nsignatures: {len(wrong) + 1} of {len(wrong) + 1} wrong ones 401")


def test_whatsapp_is_shown_the_token_before_it_is_believed(receiver: Receiver) -> None:
    asked = "/webhook?hub.mode={}&hub.verify_token={}&hub.challenge=1158201444"
    right = receiver.request("GET", asked.format("subscribe", TOKEN.replace(" ", "+")))
    assert right == (200, b"1158201444")
    for mode, token in (("subscribe", "another"), ("subscribe", ""), ("other", TOKEN), ("", "")):
        answer, _ = receiver.request("GET", asked.format(mode, token.replace(" ", "+")))
        assert answer == 403
    receiver.stop()
    assert TOKEN not in (receiver.folder.parent / "said").read_text()


def test_three_megabytes_are_taken_and_one_byte_more_is_413(receiver: Receiver) -> None:
    largest = b'{"x":"' + b"y" * (LARGEST_BODY - 8) + b'"}'
    assert len(largest) == 3 * 1024 * 1024
    assert receiver.post(largest) == 200
    assert receiver.post(largest + b" ") == 413
    chunked = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    pieces = iter([largest, b" "])
    signature = {"X-Hub-Signature-256": signed(largest + b" ")}
    chunked.request("POST", "/webhook", pieces, signature, encode_chunked=True)
    assert chunked.getresponse().status == 413
    chunked.close()
    receiver.stop()
    assert receiver.received() == [largest]


def test_a_far_too_large_body_is_refused_before_it_is_sent(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), 20) as connection:
        connection.sendall(
            b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def connect(receiver: Receiver, said: bytes = b"") -> socket.socket:
    """A connection that says this and no more."""
    connection = socket.create_connection(("127.0.0.1", receiver.port), 20)
    connection.sendall(said)
    return connection


HEAD = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"


def test_who_says_nothing_keeps_nobody_out_and_is_shown_the_door(receiver: Receiver) -> None:
    sent = body([status("sent", AT)])
    answered = b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n"
    idle = [connect(receiver, said) for said in (b"", HEAD, answered + HEAD) for _ in range(70)]
    try:
        assert receiver.post(sent) == 200
        started = time.monotonic()
        for connection in idle:
            with suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass
        assert time.monotonic() - started < HEAD_SECONDS + 5
    finally:
        for connection in idle:
            connection.close()
    assert receiver.post(sent) == 200


def test_bodies_without_a_signature_hold_nobodys_place(receiver: Receiver) -> None:
    sent = body([status("sent", AT)])
    large = HEAD.replace(b" 10", f" {LARGEST_BODY}".encode()) + b"\r\n" + b"x" * 1_000_000
    slow = [connect(receiver, HEAD + b"\r\n") for _ in range(2 * AT_ONCE)]
    slow += [connect(receiver, large) for _ in range(RECEIVED_BYTES // len(large) + 10)]
    assert receiver.post(sent) == 200
    for connection in slow:
        connection.close()


def test_memory_for_bodies_is_taken_from_the_one_that_began_first(tmp_path: Path) -> None:
    app = create_webhook_app(SpoolWriter(tmp_path), SECRET, TOKEN, received_bytes=100)
    transport = httpx.ASGITransport(app)
    body_of_60 = b"{" + b" " * 58 + b"}"

    async def post(*, for_ever: bool) -> int:
        async def content() -> AsyncIterator[bytes]:
            yield body_of_60
            if for_ever:
                await asyncio.Event().wait()

        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            signature = {"X-Hub-Signature-256": signed(body_of_60)}
            answer = await client.post("/webhook", content=content(), headers=signature)
            return answer.status_code

    async def both() -> list[int]:
        slow = asyncio.create_task(post(for_ever=True))
        await asyncio.sleep(0.05)
        return [await post(for_ever=False), await asyncio.wait_for(slow, 10)]

    assert asyncio.run(both()) == [200, 503]


def test_bodies_of_many_senders_at_once_stay_whole(receiver: Receiver) -> None:
    bodies = [body([status("sent", AT, f"d{n}" * 500)]) for n in range(200)]
    started = time.monotonic()
    with ThreadPoolExecutor(16) as senders:
        answers = list(senders.map(receiver.post, bodies))
    seconds = time.monotonic() - started
    assert answers == [200] * len(bodies)
    receiver.stop()
    assert sorted(receiver.received()) == sorted(bodies)
    print(f"\n{len(bodies)} bodies of 16 senders in {seconds:.1f} s, each synced to disk")


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, root: Path) -> None:
    acknowledged: list[bytes] = []
    sent = 0
    for attempt in range(3):
        receiver = start(tmp_path / "home", root)
        killed = threading.Event()

        def send(
            sender: int, receiver: Receiver = receiver, attempt: int = attempt,
            killed: threading.Event = killed,
        ) -> int:  # fmt: skip
            number = 0
            while not killed.is_set():
                number += 1
                told = body([status("sent", AT, f"{attempt}-{sender}-{number}" + "x" * 20_000)])
                try:
                    if receiver.post(told) == 200:
                        acknowledged.append(told)
                except (OSError, http.client.HTTPException):
                    break
            return number

        with ThreadPoolExecutor(8) as senders:
            sending = [senders.submit(send, sender) for sender in range(8)]
            time.sleep(1 + attempt * 0.37)
            receiver.stop(signal.SIGKILL)
            killed.set()
            sent += sum(done.result() for done in sending)
        assert list(receiver.folder.glob("*.part"))
    found = set(receiver.received())
    assert acknowledged
    assert set(acknowledged) <= found
    assert not list(receiver.folder.glob("*.part"))
    print(f"\nkill -9, 3 times: {sent} sent, {len(acknowledged)} acknowledged, 0 of them lost")


def test_a_file_still_written_to_is_left_alone(tmp_path: Path) -> None:
    journal = SpoolWriter(tmp_path, largest_file=100)
    journal.append(b"{}\r\n")
    assert spool.closed_files(tmp_path) == []
    journal.append(b'{"pretty":\n' + b" " * 100 + b"1}")
    (closed,) = spool.closed_files(tmp_path)
    assert [json.loads(line) for line in spool.read_lines(closed)] == [{}, {"pretty": 1}]
    journal.append(b"[1]")
    journal.close_file()
    journal.close_file()
    assert len(spool.closed_files(tmp_path)) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in spool.closed_files(tmp_path))


def test_a_line_that_cannot_be_written_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SpoolWriter(tmp_path)
    journal.append(b"[1]")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 4:
            return write(descriptor, data[:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            journal.append(b"[2, 2]")
    journal.append(b"[3]")
    journal.close_file()
    lines = [line for path in spool.closed_files(tmp_path) for line in spool.read_lines(path)]
    assert lines == [b"[1]", b"[3]"]


def statuses() -> Sequence[bytes]:
    """A message's life, one body each."""
    hours = {"sent": 10, "delivered": 11, "read": 12}
    return [body([status(name, f"2026-11-20T{hour}:00:00Z")]) for name, hour in hours.items()]


def test_received_five_times_or_backwards_it_is_loaded_the_same(
    database: Database, receiver: Receiver, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda()], "dispatch": [dispatch()]})
    settings = LoadSettings(whatsapp_spool=receiver.folder)
    for told in reversed(statuses()):
        for _ in range(5):
            assert receiver.post(told) == 200
    receiver.stop()
    loaded = load_delivery(database, None, settings)
    (events,) = (table for table in loaded.tables if table.table == "whatsapp_event")
    assert (events.read, events.new, events.known) == (15, 3, 12)
    backwards = stored(database)
    forwards = SpoolWriter(receiver.folder)
    for told in statuses():
        forwards.append(told)
    forwards.close_file()
    load_delivery(database, None, settings)
    assert stored(database) == backwards
    assert spool.closed_files(receiver.folder) == []
    print("\nthe same payload five times is one event: 15 received, 3 events, 12 known")


def test_a_port_that_is_taken_is_said_in_one_sentence(receiver: Receiver, root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "webhook", "--port", str(receiver.port)],
        cwd=root,
        env={
            "ATENDIMENTO_HOME": str(receiver.folder.parent),
            "ATENDIMENTO_WHATSAPP_APP_SECRET": SECRET,
            "ATENDIMENTO_WHATSAPP_VERIFY_TOKEN": TOKEN,
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = f"Failed: 127.0.0.1, port {receiver.port} cannot be listened on: Address already in use."
    assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (1, "", said)


def test_without_a_secret_there_is_no_receiver(tmp_path: Path, root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "webhook"],
        cwd=root,
        env={"ATENDIMENTO_HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "ATENDIMENTO_WHATSAPP_APP_SECRET" in ended.stderr
