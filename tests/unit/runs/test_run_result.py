"""How a run ended, told for a person: also when Dagster or the machine ended it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.postgres.database import Database
from orchestration.runs import ledger
from orchestration.runs.run_result import FAILED, result_of_exception, result_of_failures


def failure(message: str = "", *errors: str) -> Any:
    """An event as Dagster keeps it: its message, and its error with what caused it."""
    error = None
    for name in reversed(errors):
        error = SimpleNamespace(
            cls_name=name, message=f"{name}: what it says", cause=error, to_string=lambda: "trace"
        )
    return SimpleNamespace(message=message, event_specific_data=SimpleNamespace(error=error))


@pytest.fixture
def ops(database: Database) -> Database:
    with database.connect() as conn:
        ledger.create_ledger_tables(conn)
    return database


@pytest.mark.parametrize(
    ("events", "kind", "says"),
    [
        (
            [failure("Exceeded maximum runtime of 7200 seconds.")],
            "RunTooLong",
            "more than 7200 seconds",
        ),
        (
            [
                failure("", "DagsterExecutionInterruptedError"),
                failure("Exceeded maximum runtime of 7200 seconds."),
            ],
            "RunTooLong",
            "more than 7200 seconds",
        ),
        (
            [failure("Run timed out due to taking longer than 300 seconds to start.\nhost x")],
            "RunNotStarted",
            "did not start within 300 seconds",
        ),
        (
            [failure("Detected run worker status CRASHED: 'x'. Marking run r as failed.")],
            "RunDied",
            "process died",
        ),
        (
            [failure("", "DagsterExecutionInterruptedError")],
            "RunStopped",
            "was stopped before its end",
        ),
        ([failure("", "DagsterExecutionStepExecutionError", "DiskFull")], "DiskFull", "Make room"),
        (
            [failure("", "DagsterExecutionStepExecutionError", "AdminShutdown")],
            "DatabaseAway",
            "stopped or restarted",
        ),
    ],
)
def test_what_dagster_or_the_machine_did_is_no_fault_of_the_program(
    ops: Database, events: list[Any], kind: str, says: str
) -> None:
    ended = result_of_failures("r", events, ops)
    assert (ended.exit_code, ended.kind) == (FAILED, kind)
    assert says in ended.reason
    assert "It had not published" in ended.reason
    assert "fault of the program" not in ended.reason
    with ops.connect() as conn:
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values ('r', now(), 'e')"
        )
    assert "It had published before" in result_of_failures("r", events, ops).reason


def test_a_sentence_for_a_person_stands_before_all_others(ops: Database) -> None:
    events = [failure("", "DagsterExecutionStepExecutionError", "DeliveryRefused", "DiskFull")]
    assert result_of_failures("r", events, ops).reason == "what it says"


def test_a_fault_of_the_program_is_called_one(ops: Database) -> None:
    ended = result_of_failures(
        "r", [failure("", "DagsterExecutionStepExecutionError", "KeyError")], ops
    )
    assert ended.kind == ""
    assert ended.reason.startswith("trace")
    assert "fault of the program" in ended.reason
    assert result_of_exception("r", KeyError("x"), ops) is None


def test_a_database_that_is_away_is_told_without_it() -> None:
    nowhere = Database("postgresql://x@127.0.0.1:9/none")
    ended = result_of_failures("r", [failure("", "OperationalError")], nowhere)
    assert ended.kind == "DatabaseAway"
    assert "this run's or the one before" in ended.reason
