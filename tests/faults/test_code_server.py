"""Sensors over the embedded server in Dagster's code server, whose process has gRPC's threads.

`subprocess` with a user forks through gRPC's handlers there: one child in ten died of SIGSEGV.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from pipeline import environment

from orchestration.postgres import embedded
from orchestration.runs.bootstrap import open_database_and_instance
from orchestration.settings import load_settings

_LOCATION = Path(__file__).with_name("program_location.py")
_EVALUATIONS = 1_000


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    try:
        yield folder
    finally:
        embedded.remove_server(folder / "postgres")
        shutil.rmtree(folder)


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_no_evaluation_of_a_sensor_fails(home: Path) -> None:
    with (
        environment({"ATENDIMENTO_HOME": str(home)}),
        open_database_and_instance(load_settings(Path("/nonexistent/.env"))) as (_, instance),
        WorkspaceProcessContext(
            instance, PythonFileTarget(str(_LOCATION), None, str(_LOCATION.parents[2]), None)
        ) as process,
    ):
        (location,) = process.create_request_context().code_locations
        (repository,) = location.get_repositories().values()

        def evaluate(name: str) -> str:
            try:
                data = location.get_sensor_execution_data(
                    instance, repository.handle, name, None, None, None, None, None
                )
                return str(data.skip_message)
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        began = time.monotonic()
        for name, answer in (("run_died", "No dead run."), ("program_started", "0")):
            with ThreadPoolExecutor(2) as pool:
                said = Counter(pool.map(evaluate, [name] * _EVALUATIONS))
            print(f"\n{name}: {dict(said)}, {time.monotonic() - began:.0f} s")
            assert said == {answer: _EVALUATIONS}
