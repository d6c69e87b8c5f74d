"""What a person watching a run sees: which stage is running, for how long, how many rows.

Belongs here: stages as log records, with a heartbeat. Does not: where the records go; the command
line prints them, Dagster keeps them in the run's log. Counts and names of tables only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("atendimento")
HEARTBEAT_SECONDS = 5.0


class Stage:
    """A stage under way. `say` replaces what the next heartbeat and the last line show."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.detail = ""
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self._started

    def say(self, detail: str) -> None:
        """Note where the work stands."""
        self.detail = detail

    def report(self, state: str) -> None:
        """Log one line; `stage`, `state` and `seconds` stand on the record."""
        LOGGER.info(
            "%-8s %-8s %7.1f s  %s",
            self.name,
            state,
            self.seconds,
            self.detail,
            extra={"stage": self.name, "state": state, "seconds": self.seconds},
        )


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """Report the start, a heartbeat every few seconds, and the end of a stage."""
    current = Stage(name)
    current.report("started")
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
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
