"""What a person watching a run sees."""

from __future__ import annotations

import io
import logging
import threading
import time

import pytest
from rich.console import Console

from orchestration import progress
from orchestration.cli import progress_bar
from orchestration.cli.progress_bar import LiveProgress


class Full(logging.Handler):
    """A log that takes no heartbeat, as Dagster's does while its database is away."""

    beats = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Fail at each."""
        if getattr(record, "state", "") == "running":
            self.beats += 1
            raise OSError("no room")


def test_a_heartbeat_that_cannot_be_logged_disturbs_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.005)
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    full = Full()
    progress.LOGGER.addHandler(full)
    level = progress.LOGGER.level
    progress.LOGGER.setLevel(logging.INFO)
    try:
        with progress.stage("build"):
            deadline = time.monotonic() + 10
            while full.beats < 2:
                assert time.monotonic() < deadline
                time.sleep(0.005)
    finally:
        progress.LOGGER.removeHandler(full)
        progress.LOGGER.setLevel(level)
    assert failures == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_terminal_shows_the_stage_under_way_and_keeps_the_lines_of_those_that_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = io.StringIO()
    terminal = Console(file=drawn, force_terminal=True, highlight=False, width=100)
    monkeypatch.setattr(progress.LOGGER, "handlers", [LiveProgress(terminal)])
    monkeypatch.setattr(progress.LOGGER, "level", logging.INFO)
    with progress.stage("load") as stage:
        stage.say("agenda [1], 5,000 rows so far", 5000)
        progress.LOGGER.warning("Warning: %s", "one [bold] word, " + "long " * 30)
        deadline = time.monotonic() + 10
        while "5,000 rows so far" not in drawn.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stage.say("7,000 rows read, 10 new", 7000)
    lines = [line for line in drawn.getvalue().splitlines() if "done" in line]
    assert "7,000 rows read, 10 new" in lines[-1]
    assert "Warning: one [bold] word, long long" in drawn.getvalue()


def test_a_demo_is_counted_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = io.StringIO()
    terminal = Console(file=drawn, force_terminal=True, width=100)
    monkeypatch.setattr(progress_bar, "Console", lambda **_: terminal)
    with progress_bar.counting("agendas", 2000) as on_progress:
        on_progress(1000)
        on_progress(2000)
    assert "2,000 of 2,000 agendas" in drawn.getvalue()
