"""Progress on a terminal: the stage under way with its rows and time, drawn by rich."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestration.progress import LOGGER, Stage


class _Detail(ProgressColumn):
    """Rows and tables of a stage, as they are when the line is drawn."""

    def render(self, task: Task) -> Text:
        stage: Stage = task.fields["stage"]
        return Text(stage.detail, overflow="ellipsis", no_wrap=True)


class LiveProgress(logging.Handler):
    """Draws the stage under way; above it stay the lines of the stages that ended, and warnings.

    Args:
        console: The terminal to draw on.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._live: Progress | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Begin or end the line of a stage, or print the record above it."""
        stage: Stage | None = getattr(record, "of", None)
        state = getattr(record, "state", "")
        try:
            if state == "running":
                return  # the line is drawn several times a second anyway
            if stage and self._live:
                self._live.stop()
                self._live = None
            if stage and state == "started":
                self._begin(stage)
            else:
                self._console.print(self.format(record), markup=False, soft_wrap=True)
        except Exception:
            self.handleError(record)

    def _begin(self, stage: Stage) -> None:
        self._live = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            _Detail(),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # it may be a file that takes JSON
        )
        self._live.add_task(stage.name, total=None, stage=stage)
        self._live.start()


def show_live_progress() -> None:
    """Replace the log lines of a command by progress that is drawn on the terminal."""
    LOGGER.handlers = [LiveProgress(Console(stderr=True, highlight=False))]


@contextmanager
def counting(unit: str, total: int) -> Iterator[Callable[[int], None]]:
    """Draw the progress of work whose size is known.

    Args:
        unit: What is counted, in the plural.
        total: How many there will be.

    Yields:
        A function to call with how many there are so far.
    """
    with Progress(
        TextColumn("{task.completed:,} of {task.total:,} {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda done: progress.update(task, completed=done)
