"""Progress on a terminal: the stage under way with its rows and time, drawn by rich."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestration.progress import LOGGER, Stage


class _RowsAndDetail(ProgressColumn):
    """What the stage says of itself, as it is when the line is drawn."""

    def render(self, task: Task) -> Text:
        stage: Stage = task.fields["stage"]
        return Text(stage.detail, overflow="ellipsis", no_wrap=True)


class _LiveProgress(logging.Handler):
    """Draws the stage under way, and leaves the line of each stage that ended above it."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._live: Progress | None = None

    def emit(self, record: logging.LogRecord) -> None:
        stage: Stage | None = getattr(record, "of", None)
        if stage and record.__dict__["state"] == "running":
            return  # drawn several times a second as it is
        if stage:
            self._end()
        if stage and record.__dict__["state"] == "started":
            self._begin(stage)
        else:  # above the stage under way, if there is one
            print(self.format(record), file=sys.stderr, flush=True)

    def _begin(self, stage: Stage) -> None:
        self._live = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            _RowsAndDetail(),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # it may be a file that takes JSON
        )
        self._live.add_task(stage.name, total=None, stage=stage)
        self._live.start()

    def _end(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None


def show_live_progress() -> None:
    """Replace the log lines of a command by progress that is drawn on the terminal."""
    LOGGER.handlers = [_LiveProgress()]


@contextmanager
def counting(unit: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar of work whose size is known.

    Args:
        unit: What is counted, in the plural.
        total: How many there will be.

    Returns:
        A function that is called with how many there are so far.
    """
    with Progress(
        TextColumn("{task.completed:,} of {task.total:,} {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda done: progress.update(task, completed=done)
