"""A run whose process died: it is said to have failed, and nothing waits for it.

Real runs, killed with `kill -9`; then what decides who is dead, with runs that only Dagster knows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from pipeline import Program, environment

from orchestration.postgres.database import Database
from orchestration.runs import stale_runs
from orchestration.runs.bootstrap import export_environment
from orchestration.runs.stale_runs import (
    RunAbandoned,
    end_stale_runs,
    hold_liveness_lock,
    tags_of_run_by_hand,
)
from orchestration.settings import load_settings

AS_OF = "2026-11-20T12:00:00-03:00"
RUN = dg.DagsterRunStatus


def killed_in(program: Program, stage: str) -> None:
    """Start a run as a shell does and kill it without warning when a stage begins."""
    settings = {"HOME": str(program.home), "DATABASE_URL": program.database.url}
    command = "import sys; from orchestration.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["run", "--source", str(program.home / "demo"), "--as-of", AS_OF]
    with (
        environment({f"ATENDIMENTO_{key}": value for key, value in settings.items()}),
        subprocess.Popen(
            [sys.executable, "-c", command, *arguments], stderr=subprocess.PIPE, text=True
        ) as run,
    ):
        assert run.stderr
        said = []
        for line in run.stderr:
            said.append(line)
            if line.startswith(stage):
                os.kill(run.pid, signal.SIGKILL)
                break
        assert run.wait() == -signal.SIGKILL, "".join(said)


def runs(program: Program) -> list[dg.DagsterRun]:
    """What Dagster holds of the runs, the newest first."""
    with environment(
        {
            "ATENDIMENTO_HOME": str(program.home),
            "ATENDIMENTO_DATABASE_URL": program.database.url,
        }
    ):
        export_environment(load_settings(Path("/nonexistent/.env")), program.database)
        with dg.DagsterInstance.get() as instance:
            return list(instance.get_runs())


@pytest.mark.proof
@pytest.mark.parametrize("stage", ["pages"])
@pytest.mark.usefixtures("one_check_worker")
def test_a_run_after_a_killed_one_publishes_and_says_that_it_died(
    program: Program, stage: str
) -> None:
    killed_in(program, stage)
    (dead, *_) = runs(program)
    assert dead.status == RUN.STARTED

    said = program.call("run", "--source", program.home / "demo", "--as-of", AS_OF)

    assert said.exit_code == 0, said.output
    (published, dead_now, *_) = runs(program)
    assert dead_now.run_id == dead.run_id
    assert (published.status, dead_now.status) == (RUN.SUCCESS, RUN.FAILURE)
    assert dead_now.tags["dagster/will_retry"] == "false"
    with program.database.connect() as conn:
        message = conn.execute(
            "select message from ops.run_failure where run_id = %s", [dead.run_id]
        ).fetchone()
    assert message
    assert message[0].startswith("The run's process died")
    assert "It had not published" in message[0]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ops(database: Database) -> Database:
    return database


@pytest.fixture
def without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_runs, "_GRACE", dict.fromkeys(stale_runs._GRACE, timedelta(0)))


def entered(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus = RUN.STARTED,
    job: str = "daily",
    tags: dict[str, str] | None = None,
    run_id: str | None = None,
) -> str:
    """A run that Dagster holds for under way, in no process."""

    @dg.op
    def nothing() -> None: ...

    @dg.job(name=job)
    def entered_job() -> None:
        nothing()

    return instance.create_run_for_job(entered_job, run_id=run_id, status=status, tags=tags).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


@pytest.mark.usefixtures("without_grace")
@pytest.mark.parametrize("before", [RUN.NOT_STARTED, RUN.STARTING, RUN.STARTED])
def test_a_run_in_no_process_is_ended(
    instance: dg.DagsterInstance, ops: Database, before: dg.DagsterRunStatus
) -> None:
    run_id = entered(instance, before)
    assert end_stale_runs(instance, ops) == [run_id]
    assert status(instance, run_id) == RUN.FAILURE
    assert end_stale_runs(instance, ops) == []


@pytest.mark.usefixtures("without_grace")
def test_a_run_that_was_being_cancelled_is_cancelled(
    instance: dg.DagsterInstance, ops: Database
) -> None:
    run_id = entered(instance, RUN.CANCELING)
    assert end_stale_runs(instance, ops) == [run_id]
    assert status(instance, run_id) == RUN.CANCELED
    with ops.connect() as conn:
        assert conn.execute("select count(*) from ops.run_failure").fetchone() == (0,)


@pytest.mark.usefixtures("without_grace")
def test_a_living_run_is_left_alone_until_its_process_ends(
    instance: dg.DagsterInstance, ops: Database
) -> None:
    run_id = entered(instance)
    with hold_liveness_lock(ops, run_id), hold_liveness_lock(ops, run_id):
        assert end_stale_runs(instance, ops) == []
    assert end_stale_runs(instance, ops) == [run_id]


@pytest.mark.usefixtures("without_grace")
def test_a_run_of_another_job_is_left_alone(instance: dg.DagsterInstance, ops: Database) -> None:
    entered(instance, job="tidy")
    assert end_stale_runs(instance, ops) == []


def test_a_launched_run_has_some_time_to_start(instance: dg.DagsterInstance, ops: Database) -> None:
    for before in (RUN.STARTING, RUN.STARTED, RUN.CANCELING):
        entered(instance, before)
    assert end_stale_runs(instance, ops) == []


def test_a_run_by_hand_held_its_lock_from_the_beginning(
    instance: dg.DagsterInstance, ops: Database
) -> None:
    run_id = "0f5b7a44-8a5b-4c0e-9c1e-6d5c3a0a7c11"
    entered(instance, tags=tags_of_run_by_hand(run_id), run_id=run_id)
    repeated = entered(instance, tags=tags_of_run_by_hand(run_id))
    assert end_stale_runs(instance, ops) == [run_id]
    assert status(instance, repeated) == RUN.STARTED


@pytest.mark.usefixtures("without_grace")
def test_a_run_that_published_and_then_died_says_so(
    instance: dg.DagsterInstance, ops: Database
) -> None:
    run_id = entered(instance)
    with ops.connect() as conn:
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values (%s, %s, 'edition')",
            [run_id, AS_OF],
        )
    end_stale_runs(instance, ops)
    with ops.connect() as conn:
        kept = conn.execute("select message from ops.run_failure").fetchone()
    assert kept
    assert "It had published before" in kept[0]


@pytest.mark.usefixtures("without_grace")
def test_a_run_that_ends_while_it_is_looked_at_is_not_ended_twice(
    instance: dg.DagsterInstance, ops: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = entered(instance)
    is_suspect = stale_runs._is_suspect

    def it_ends_meanwhile(record: dg.RunRecord, now: object) -> bool:
        instance.report_run_failed(record.dagster_run, "it failed by its own word")
        return is_suspect(record, now)  # type: ignore[arg-type]

    monkeypatch.setattr(stale_runs, "_is_suspect", it_ends_meanwhile)
    assert end_stale_runs(instance, ops) == []
    assert status(instance, run_id) == RUN.FAILURE
    with ops.connect() as conn:
        assert conn.execute("select count(*) from ops.run_failure").fetchone() == (0,)


@pytest.mark.usefixtures("without_grace")
def test_a_run_taken_for_dead_does_nothing_when_it_comes_to_life(
    instance: dg.DagsterInstance, ops: Database
) -> None:
    run_id = entered(instance, RUN.STARTING)
    end_stale_runs(instance, ops)

    def given_up() -> bool:
        return status(instance, run_id) == RUN.FAILURE

    with pytest.raises(RunAbandoned, match="given up"), hold_liveness_lock(ops, run_id, given_up):
        pass
