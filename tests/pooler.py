"""A small pooler of connections, as PgBouncer is one: per session, or per transaction."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestration.postgres.database import Database

_ENCRYPTION_ASKED_FOR = (80877103, 80877104)
_OWN_PROCESS_ID = 1


class Pooler:
    """Gives the sessions of one server to the clients of a port.

    `per_transaction`: a session goes back after each transaction, else when its client leaves.
    `oldest_first`: of the idle sessions the one that waits longest is taken, else the last one.
    """

    def __init__(self, server: Database, *, per_transaction: bool, oldest_first: bool) -> None:
        self._path = f"{server.parts['host']}/.s.PGSQL.{server.parts['port']}"
        self._per_transaction, self._oldest_first = per_transaction, oldest_first
        self._idle: deque[socket.socket] = deque()
        self._greeting = b""
        self._lock = threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]

    def serve(self) -> None:
        """Serve clients until the port is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                threading.Thread(target=self._attend, args=[client], daemon=True).start()

    def close(self) -> None:
        """End what waits in the pool; sessions in use end with their clients."""
        self.listening.close()
        with self._lock:
            for server in self._idle:
                server.close()

    def _attend(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        with client, suppress(OSError, EOFError):
            startup = _startup(client)
            server = self._take(startup)
            client.sendall(self._greeting)
            in_transaction = False
            while True:
                if self._per_transaction and server and not in_transaction:
                    self._give_back(server)
                    server = None
                kind, message = _message(client)
                server = server or self._take(startup)
                server.sendall(message)
                in_transaction = True
                if kind in b"QS":
                    in_transaction = _relay_answer(server, client) != b"I"
        if server:
            server.close()

    def _take(self, startup: bytes) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.popleft() if self._oldest_first else self._idle.pop()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._path)
        server.sendall(startup)
        greeting, kind = b"", b""
        while kind != b"Z":
            kind, message = _message(server)
            if kind == b"K":
                message = message[:5] + struct.pack("!i", _OWN_PROCESS_ID) + message[9:]
            greeting += message
        self._greeting = greeting
        return server

    def _give_back(self, server: socket.socket) -> None:
        with self._lock:
            self._idle.append(server)


@contextmanager
def pooled(
    database: Database, *, per_transaction: bool, oldest_first: bool = False
) -> Iterator[Database]:
    """The same database through a pooler."""
    pooler = Pooler(database, per_transaction=per_transaction, oldest_first=oldest_first)
    threading.Thread(target=pooler.serve, daemon=True).start()
    user, name = database.parts["user"], database.parts["dbname"]
    try:
        yield Database(f"postgresql://{user}@127.0.0.1:{pooler.port}/{name}")
    finally:
        pooler.close()


def _startup(client: socket.socket) -> bytes:
    while True:
        length = _exactly(client, 4)
        rest = _exactly(client, struct.unpack("!i", length)[0] - 4)
        if struct.unpack("!i", rest[:4])[0] not in _ENCRYPTION_ASKED_FOR:
            return length + rest
        client.sendall(b"N")


def _message(sender: socket.socket) -> tuple[bytes, bytes]:
    """One message: its kind, and all of it."""
    head = _exactly(sender, 5)
    return head[:1], head + _exactly(sender, struct.unpack("!i", head[1:])[0] - 4)


def _relay_answer(server: socket.socket, client: socket.socket) -> bytes:
    """Pass on what the server says until it is ready; return the state of the transaction."""
    while True:
        kind, message = _message(server)
        client.sendall(message)
        if kind == b"Z":
            return message[5:]


def _exactly(sender: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = sender.recv(size - len(received))
        if not part:
            raise EOFError
        received += part
    return received
