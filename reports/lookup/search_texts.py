"""What was searched for in each session, in the memory of this process and nowhere else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime

import psycopg

MOST_PER_SESSION = 50
MOST_SESSIONS = 2_000


class SearchTexts:
    """The latest search texts of each session, numbered from 1.

    They end with their session, at the latest a minute after it (`forget_ended`), and with each
    erasure of a client, since whose name a text is cannot be told.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: OrderedDict[bytes, dict[int, str]] = OrderedDict()
        self._last_erasure: datetime | None = None

    def __len__(self) -> int:
        """The number of sessions with a text."""
        return len(self._texts)

    def add(self, session_key: bytes, text: str) -> int:
        """Store a text and return its number; the oldest of too many is dropped."""
        with self._lock:
            texts = self._texts.setdefault(session_key, {})
            self._texts.move_to_end(session_key)
            number = max(texts, default=0) + 1
            texts[number] = text
            texts.pop(number - MOST_PER_SESSION, None)
            if len(self._texts) > MOST_SESSIONS:
                self._texts.popitem(last=False)
            return number

    def read(self, session_key: bytes, number: int) -> str:
        """Return a text, or an empty string when there is none."""
        return self._texts.get(session_key, {}).get(number, "")

    def keep_only(self, session_keys: Collection[bytes]) -> None:
        """Forget the texts of all other sessions."""
        with self._lock:
            for ended in self._texts.keys() - set(session_keys):
                del self._texts[ended]

    def forget(self, session_key: bytes) -> None:
        """Forget the texts of one session."""
        with self._lock:
            self._texts.pop(session_key, None)

    def forget_ended(self, conn: psycopg.Connection) -> None:
        """Forget the texts of sessions that are no longer in force; after an erasure, all.

        Args:
            conn: A connection of the sign-in login.
        """
        row = conn.execute("select max(erased_at) from access.erased_client").fetchone()
        last_erasure = row[0] if row else None
        is_erased = last_erasure != self._last_erasure
        self._last_erasure = last_erasure
        live = conn.execute(
            "select token_hash from access.live_session where token_hash = any(%s)",
            [[] if is_erased else list(self._texts)],
        )
        self.keep_only([bytes(key) for (key,) in live])
