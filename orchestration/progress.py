"""What a person watching a run sees: which stage is running, for how long, how many rows.

Counts and names of tables only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

LOGGER = logging.getLogger("atendimento")
HEARTBEAT_SECONDS = 5.0
RUN: ContextVar[str] = ContextVar("run", default="")  # the id of the run that is being told of


class Stage:
    """A stage under way. `say` replaces what the next heartbeat and the last line show."""

    def __init__(self, name: str, run_id: str = "") -> None:
        self.name = name
        self.run_id = run_id
        self.detail = ""
        self.rows: int | None = None
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self._started

    def say(self, detail: str, rows: int | None = None) -> None:
        """Note where the work stands and, where it counts rows, how many."""
        self.detail = detail
        self.rows = rows

    def report(self, state: str) -> None:
        """Log one line; what it is made of stands on the record, for `logs.py`."""
        LOGGER.info(
            "%-8s %-8s %7.1f s  %s",
            self.name,
            state,
            self.seconds,
            self.detail,
            extra={
                "stage": self.name,
                "state": state,
                "seconds": self.seconds,
                "rows": self.rows,
                "detail": self.detail,
                "run_id": self.run_id,
                "of": self,  # for what draws it: `detail` changes between two records
            },
        )


@contextmanager
def stage(name: str, run_id: str = "") -> Iterator[Stage]:
    """Report the start, a heartbeat every few seconds, and the end of a stage.

    `run_id`: the run it belongs to, by default that of the stage before it.
    """
    if run_id:
        RUN.set(run_id)
    current = Stage(name, RUN.get())
    current.report("started")
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            # What keeps the log from being written the work itself meets, and says so.
            with suppress(Exception):
                current.report("running")

    heart = threading.Thread(target=beat, daemon=True, name=f"heartbeat of {name}")
    heart.start()
    outcome = "failed"
    try:
        yield current
        outcome = "done"
    finally:
        done.set()
        heart.join()
        current.report(outcome)
