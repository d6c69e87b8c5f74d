"""Dagster's daemon, its code server and the run's process killed together, as with their machine.

Started again, the daemon finds the run dead, and it is tried once more; nothing stays blocked.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from kept_state import Kept
from pipeline import environment

from orchestration.runs.bootstrap import export_environment, prepare_home, run_lock
from orchestration.settings import load_settings

_SELDOM = "0 0 1 1 *"
_RUNS = "select status, run_body::json -> 'tags' from dagster.runs order by id"
_BUILDING = """
select from dagster.event_logs
where step_key = 'build_models' and dagster_event_type = 'STEP_START'
    and run_id = (select run_id from dagster.runs order by id desc limit 1)
limit 1
"""


def descendants(process: int) -> Iterator[int]:
    """All that it started, and what that started, whatever their groups."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return iter(found)


def kill_all(daemon: subprocess.Popen[bytes]) -> int:
    """`kill -9` of the daemon and everything below it; how many that were."""
    doomed = list(descendants(daemon.pid))
    for process in doomed:
        # Stopped first, so that none starts another, or sees another die.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    for process in doomed:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    daemon.wait()
    return len(doomed)


@contextmanager
def daemon(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon, which starts the code server, which starts runs."""
    location = Path(__file__).with_name("quick_location.py")
    program = Path(sys.executable).with_name("dagster-daemon")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "run", "-f", location, "-d", location.parents[2]],
            stdout=output,
            stderr=output,
            cwd=location.parents[2],
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            kill_all(process)


def wait_for(what: Callable[[], bool], log: Path, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-6000:]
        time.sleep(0.2)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_killed_together_the_run_is_tried_once_more(kept: Kept) -> None:
    kept.reset()
    began = time.monotonic()
    log = kept.home / "daemon.log"
    settings = {
        "HOME": str(kept.home),
        "DATABASE_URL": kept.database.url,
        "MORNING_SCHEDULE": _SELDOM,
        "REFRESH_SCHEDULE": _SELDOM,
    }
    inbox = kept.home / "inbox"
    with environment({f"ATENDIMENTO_{name}": value for name, value in settings.items()}):
        loaded = load_settings(Path("/nonexistent/.env"))
        prepare_home(loaded)
        export_environment(loaded, kept.database)

        def rows(query: str) -> list[tuple[object, ...]]:
            with kept.database.connect() as conn:
                return conn.execute(query.encode()).fetchall()

        known = len(rows(_RUNS))
        shutil.copytree(kept.folder / "second", inbox / "second")
        files = [
            {"name": path.name, "bytes": path.stat().st_size}
            for path in (inbox / "second").iterdir()
        ]
        (inbox / "second" / "manifest.json").write_text(json.dumps({"files": files}))

        with daemon(log) as first:
            # In this order: until the run is there, the newest is the one before, which was built.
            wait_for(lambda: len(rows(_RUNS)) > known and bool(rows(_BUILDING)), log)
            killed = kill_all(first)
        after_kill = [str(status) for status, _ in rows(_RUNS)[known:]]
        with daemon(log):
            wait_for(
                lambda: (
                    [str(status) for status, _ in rows(_RUNS)[known:]]
                    in (["FAILURE", "SUCCESS"], ["FAILURE", "FAILURE"])
                ),
                log,
            )
    (_, second) = rows(_RUNS)[known:]
    print(
        f"\n{killed} processes killed in the build, the run was {after_kill[0]}; found dead and "
        f"tried again within {time.monotonic() - began:.0f} s: {second[0]}"
    )
    assert after_kill == ["STARTED"]
    assert killed >= 3
    assert second[0] == "SUCCESS", rows("select message from ops.run_failure")
    assert isinstance(second[1], dict)
    assert second[1]["dagster/retry_number"] == "1"
    failures = [str(message) for (message,) in rows("select message from ops.run_failure")]
    assert len(failures) == 1
    assert failures[0].startswith("The run's process died")
    with run_lock(kept.database) as held:
        held.assert_held()
    assert rows("select count(*) from dagster.concurrency_slots where run_id is not null") == [(0,)]
    assert rows("select count(*) from raw.agenda where agenda_id = 'b1'") == [(1,)]
