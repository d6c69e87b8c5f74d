"""Many small runs in a row take bounded room: state, event log, artifacts; figures are printed.

A real run costs seconds, so a few stand for many here: what is on record after each tidying must
not grow with the number of runs. `ATENDIMENTO_TEST_RUNS=300` makes as many in the proof.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import pytest
from deliveries import BASE, agenda, dispatch, write
from pipeline import Program

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"
RUNS = int(os.environ.get("ATENDIMENTO_TEST_RUNS", "30"))
KEPT = 1
LIMITS = {
    "RUN_RETENTION_COUNT": str(KEPT),
    "EDITION_RETENTION_COUNT": "1",
    "EDITION_RETENTION_DAYS": "0",
    "EDITION_DEADLINE": "never",
}


@dataclass(frozen=True, slots=True)
class Room:
    """What the runs have left."""

    runs: int
    events: int
    check_results: int
    log_folders: int
    artifacts: int
    artifact_bytes: int
    database_bytes: int


def room(program: Program) -> Room:
    files = [
        path
        for folder in ("dagster", "dbt", "published", "metrics")
        for path in (program.home / folder).rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    with program.database.connect() as conn:
        row = conn.execute(
            "select (select count(*) from dagster.runs), (select count(*) from dagster.event_logs)"
            " + (select count(*) from dagster.asset_check_executions),"
            " (select count(*) from ops.check_result), pg_database_size(current_database())"
        ).fetchone()
    assert row
    return Room(
        *row[:3],
        len(list((program.home / "dagster" / "storage").iterdir())),
        len(files),
        sum(path.stat().st_size for path in files),
        row[3],
    )


@pytest.mark.timeout(600 + 60 * RUNS)
@pytest.mark.proof
def test_what_many_runs_leave_does_not_grow(
    empty_program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program, rooms = empty_program, []
    write(program.home / "delivery", {**BASE, "agenda": [agenda()], "dispatch": [dispatch()]})
    began = time.monotonic()
    for number in range(RUNS):
        said = program.call(
            "run", "--source", program.home / "delivery", "--as-of", AS_OF, **LIMITS
        )
        assert said.exit_code == 0, said.output
        tidied = program.call("cleanup", **LIMITS)
        assert tidied.exit_code == 0, tidied.output
        rooms.append(room(program))
        if number == max(KEPT, RUNS // 3):
            settled = rooms[-1]
    last = rooms[-1]
    assert last.runs == KEPT
    assert last.events <= settled.events * 1.02  # a slow stage tells more often that it lives
    assert last.check_results <= settled.check_results
    assert last.log_folders <= settled.log_folders
    assert last.artifacts <= settled.artifacts
    assert last.artifact_bytes <= settled.artifact_bytes * 1.02
    # The ledger of deliveries and publications stays for good: some KB a run.
    assert last.database_bytes <= settled.database_bytes * 1.2 + RUNS * 8192
    with capsys.disabled():
        print(f"\n{RUNS} small runs, {(time.monotonic() - began) / RUNS:.1f} s each, {KEPT} kept;")
        print(f"  after {max(KEPT, RUNS // 3) + 1}: {settled}\n  after {RUNS}: {last}")
