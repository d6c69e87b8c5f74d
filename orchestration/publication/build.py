"""Builds the dbt models of a run as its stage `build`, and records what their data tests found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from checks.results import store
from checks.runner import Finding
from orchestration.errors import CheckFailed
from orchestration.postgres.database import Database
from orchestration.progress import stage
from orchestration.publication.dbt import NodeOutcome, build
from orchestration.runs.bootstrap import Warehouse


class ChecksStopped(CheckFailed):
    """A check stopped publication; the published state is as it was."""


@dataclass(frozen=True, slots=True)
class Built:
    """The models and seeds that were built, the data tests, and about how many rows each table has.

    `rows` is by layer and name (`marts/agenda_status`), as ANALYZE has just counted.
    """

    models: list[NodeOutcome]
    tests: list[NodeOutcome]
    rows: dict[str, int]


def build_models(
    warehouse: Warehouse, as_of: datetime, work_folder: Path, *, select: Sequence[str], run_id: str
) -> Built:
    """Build the selected models and run their data tests.

    Args:
        warehouse: The database, held by the run.
        as_of: The instant to build for (R3).
        work_folder: Where dbt writes its logs.
        select: Names of models; empty for all.
        run_id: The run.

    Raises:
        BuildFailed: A model could not be built; the published state is as it was.
    """
    with stage("build", run_id) as progress:
        warehouse.assert_held()
        outcomes = build(
            warehouse,
            as_of,
            work_folder,
            select=select,
            on_finished=lambda name, seconds: progress.say(f"{name} ({seconds:.1f} s)"),
        )
        tests = [outcome for outcome in outcomes if outcome.kind == "test"]
        models = [outcome for outcome in outcomes if outcome.kind != "test" and outcome.passed]
        rows = _rows(warehouse)
        agendas = rows.get("marts/agenda_status", 0)
        progress.say(f"{len(models)} models, {len(tests)} data tests, {agendas:,} agendas", agendas)
    return Built(models, tests, rows)


def _rows(warehouse: Database) -> dict[str, int]:
    """About how many rows each built table holds, by asset key, as ANALYZE just counted."""
    with warehouse.connect() as conn:
        return {
            f"{schema.removesuffix('_next')}/{table}": max(rows, 0)
            for schema, table, rows in conn.execute(
                "select relnamespace::regnamespace::text, relname, reltuples::bigint from pg_class"
                " where relnamespace::regnamespace::text"
                " in ('staging', 'intermediate', 'marts_next', 'measurements')"
                " and relkind = 'r'"
            )
        }


def record_data_tests(
    warehouse: Database, run_id: str, as_of: datetime, tests: list[NodeOutcome]
) -> None:
    """Store what dbt's data tests found.

    Args:
        warehouse: The database.
        run_id: The run that built the models.
        as_of: The instant that they were built for (R3).
        tests: The outcome of each data test.

    Raises:
        ChecksStopped: A test failed; nothing is published.
    """
    findings = [
        Finding(
            suite="dbt",
            check=test.name,
            table=("marts_next", ""),
            blocking=True,
            passed=test.passed,
            unexpected_count=test.failures or 0,
            details={},
            description=test.name.replace("_", " "),
            screen=test.name.replace("_", " "),
        )
        for test in tests
    ]
    with warehouse.connect() as conn:
        store(conn, run_id, as_of, findings)
    failed = [test for test in tests if not test.passed]
    if failed:
        raise ChecksStopped(
            "Data tests stopped publication: "
            + "; ".join(f"{test.name} ({test.failures} rows)" for test in failed)
            + ". The published state is as it was; the results stand in ops.check_result."
        )
