"""Finds out whether the page can answer, with a thread and connections that nothing else uses."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg

from reports import editions
from reports.lookup.connections import ConnectionPools, DatabaseUnavailable

_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether both logins can connect, tables are published, and the edition's name."""

    has_database: bool
    has_tables: bool = False
    edition: str | None = None


class HealthProbe:
    """Checks one at a time; a check answers everyone who asked before it began."""

    def __init__(self, page: ConnectionPools, keeper: ConnectionPools, publish_dir: Path) -> None:
        self._page, self._keeper, self._publish_dir = page, keeper, publish_dir
        self._thread = ThreadPoolExecutor(1, "health")
        self._began = 0.0
        self._found = Health(has_database=False)

    def open(self) -> None:
        """Open the connections without waiting for the server."""
        self._page.open()
        self._keeper.open()

    def close(self) -> None:
        """Close the connections, and end the thread."""
        self._thread.shutdown()
        self._page.close()
        self._keeper.close()

    async def check(self) -> Health:
        """Return what is found now."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._check_since, time.monotonic()
        )

    def _check_since(self, asked: float) -> Health:
        if self._began < asked:
            self._began = time.monotonic()
            self._found = self._check()
        return self._found

    def _check(self) -> Health:
        try:
            with self._keeper.one(_PATIENCE_SECONDS) as conn:
                conn.execute("select from access.session limit 0")
            with self._page.one(_PATIENCE_SECONDS) as conn:
                found = conn.execute("select to_regclass('marts.company') is not null").fetchone()
        except (DatabaseUnavailable, psycopg.Error):
            return Health(has_database=False)
        current = editions.current_edition(self._publish_dir)
        return Health(True, found == (True,), current.name if current else None)
