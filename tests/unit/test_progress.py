"""What a person watching a run sees."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from orchestration import progress


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
