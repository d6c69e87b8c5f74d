"""The rules' cases: every dbt unit test of the project, run against a database of this session."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from orchestration.postgres.database import Database
from tests.conftest import fresh_database

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
# Every test that depends on the instant says its own; this one only lets the tables be made.
AS_OF = "2026-11-20T12:00:00+00:00"


def _names() -> list[str]:
    return sorted(
        test["name"]
        for path in (PROJECT / "models").rglob("*.yml")
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", [])
    )


def _dbt(database: Database, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call dbt in a process of its own: what it sets up globally stays there."""
    call = "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])"
    options = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": folder}
    return subprocess.run(
        [
            *(sys.executable, "-c", call),
            *("--no-version-check", "--no-use-colors", "--log-path", str(folder)),
            *arguments,
            *(part for name, value in options.items() for part in (f"--{name}", str(value))),
            *("--vars", json.dumps({"as_of": AS_OF})),
        ],
        env=os.environ | database.dbt_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def outcomes(
    postgres: Database, maintenance: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What every unit test said: "" when it passed, else the difference."""
    folder = tmp_path_factory.mktemp("dbt")
    with fresh_database(postgres, maintenance) as database:
        made = _dbt(database, folder, "build", "--empty", "--exclude-resource-type", "test",
                    "--exclude-resource-type", "unit_test")  # fmt: skip
        assert made.returncode == 0, made.stdout
        tested = _dbt(database, folder, "test", "--select", "test_type:unit")
        results = json.loads((folder / "run_results.json").read_text(encoding="utf-8"))["results"]
        assert results, tested.stdout
        yield {
            result["unique_id"].rsplit(".", 1)[-1]: ""
            if result["status"] == "pass"
            else re.sub(r"\x1b\[\d*m", "", result["message"] or result["status"])
            for result in results
        }


@pytest.mark.parametrize("name", _names())
def test_rule(outcomes: dict[str, str], name: str) -> None:
    assert name in outcomes, "dbt did not run it"
    assert not outcomes[name], f"{name}\n{outcomes[name]}"
