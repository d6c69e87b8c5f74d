"""A place on this machine that notifications are posted or mailed to."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Receiver:
    """What came, in order; `status` is what is answered, 200 at first.

    `dripping`: the answer comes a byte at a time and does not end while this is so.
    """

    url: str = ""
    port: int = 0
    status: int = 200
    location: str = ""
    dripping: bool = False
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def news(self) -> list[tuple[list[str], list[str]]]:
        """Of each message, the kinds that began and those that ended."""
        return [
            ([each["kind"] for each in said["began"]], [each["kind"] for each in said["ended"]])
            for said in self.messages
        ]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Each message that was taken."""
        return [json.loads(body) for body in self.bodies]


@contextmanager
def webhook() -> Iterator[Receiver]:
    """An HTTP server that keeps what is posted to it and answered with 2xx."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.status < 300:
                receiver.bodies.append(body)
                receiver.headers.append(dict(self.headers))
            while receiver.dripping:
                self.wfile.write(b"H")
                time.sleep(0.05)
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _served(server):
        receiver.port = server.server_address[1]
        receiver.url = f"http://127.0.0.1:{receiver.port}/hook/s3cret"
        yield receiver


@contextmanager
def mailbox() -> Iterator[Receiver]:
    """A mail server that takes everything, or answers 550 to every recipient; QUIT never by 221."""
    receiver = Receiver()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                command = line[:4].upper()
                if command == b"QUIT":
                    self.wfile.write(b"500 what?\r\n")
                    return
                if command == b"RCPT" and receiver.status >= 300:
                    self.wfile.write(b"550 nobody <ana@example.com> here\r\n")
                elif command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    said = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        said += part
                    receiver.bodies.append(said)
                    self.wfile.write(b"250 kept\r\n")
                else:
                    self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, _served(server):
        receiver.port = server.server_address[1]
        yield receiver


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
