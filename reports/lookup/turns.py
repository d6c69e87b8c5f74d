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


class Turns:
    """Turns of users.

    Args:
        of_user: How many one user may have at once.
        in_all: How many there are at once.
        patience: How many seconds a request waits for a turn.
    """

    def __init__(self, *, of_user: int, in_all: int, patience: float) -> None:
        self._of_user, self._in_all, self._patience = of_user, in_all, patience
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def turn(self, user_id: str) -> AsyncIterator[None]:
        """Hold a turn. Raises HTTPException 429 if none becomes free in time."""
        until = time.monotonic() + self._patience
        while not self._take(user_id):
            if time.monotonic() >= until:
                raise HTTPException(429, headers={"Retry-After": _RETRY_SECONDS})
            await anyio.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            with self._lock:
                self._taken[user_id] -= 1
                self._taken += Counter()  # drops users without a turn

    def _take(self, user_id: str) -> bool:
        with self._lock:
            if self._taken[user_id] >= self._of_user or self._taken.total() >= self._in_all:
                return False
            self._taken[user_id] += 1
            return True
