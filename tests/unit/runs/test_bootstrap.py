"""What a run needs: the lock of the one run at a time, for those who wait and those who do not."""

from __future__ import annotations

import threading

import pytest

from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import RunInProgress, run_lock


def test_a_run_asked_for_by_a_sensor_waits_for_the_one_in_progress(database: Database) -> None:
    entered = threading.Event()

    def asked_for_by_a_sensor() -> None:
        with run_lock(database, wait=True):
            entered.set()

    waiting = threading.Thread(target=asked_for_by_a_sensor)
    with run_lock(database):
        with pytest.raises(RunInProgress, match="Another run is in progress"), run_lock(database):
            pass
        waiting.start()
        assert not entered.wait(0.3)
    waiting.join(timeout=20)
    assert entered.is_set()
    with run_lock(database):
        pass
