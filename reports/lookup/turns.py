"""Limits how many requests run at once, of one user and in all; they wait without a thread."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.exceptions import HTTPException

_RETRY_SECONDS = "10"
_POLL_SECONDS = 0.02
_WAITING_PER_TURN = 8


class Turns:
    """Turns of users.

    Args:
        of_user: How many one user may have at once; eight times as many may wait.
        in_all: How many there are at once.
        patience: How many seconds a request waits for a turn.
    """

    def __init__(self, *, of_user: int, in_all: int, patience: float) -> None:
        self._of_user, self._in_all, self._patience = of_user, in_all, patience
        self._taken: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def turn(self, user_id: str) -> AsyncIterator[None]:
        """Hold a turn. Raises HTTPException 429 if too many wait, or none becomes free in time."""
        await self._wait(user_id)
        try:
            yield
        finally:
            self._count(self._taken, user_id, -1)

    async def _wait(self, user_id: str) -> None:
        until = time.monotonic() + self._patience
        if self._waiting[user_id] >= self._of_user * _WAITING_PER_TURN:
            raise _too_many()
        self._count(self._waiting, user_id, 1)
        try:
            while not self._take(user_id):
                if time.monotonic() >= until:
                    raise _too_many()
                await anyio.sleep(_POLL_SECONDS)
        finally:
            self._count(self._waiting, user_id, -1)

    def _take(self, user_id: str) -> bool:
        with self._lock:
            if self._taken[user_id] >= self._of_user or self._taken.total() >= self._in_all:
                return False
            self._taken[user_id] += 1
            return True

    def _count(self, counter: Counter[str], user_id: str, more: int) -> None:
        with self._lock:
            counter[user_id] += more
            if not counter[user_id]:
                del counter[user_id]


def _too_many() -> HTTPException:
    return HTTPException(429, headers={"Retry-After": _RETRY_SECONDS})
