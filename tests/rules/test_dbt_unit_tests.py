"""The rules' cases: every dbt unit test of the project, run against a database of this session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from orchestration.postgres.database import Database
from orchestration.publication import dbt
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


def _dbt(database: Database, folder: Path, *arguments: str) -> list[Any]:
    """Call dbt over the parsed project; the results of its nodes."""
    places = ("--target-path", str(folder), "--log-path", str(folder))
    with dbt._environment(**database.dbt_environment()):
        return dbt._invoke(
            [*arguments, *places, *dbt._QUIET, "--vars", json.dumps({"as_of": AS_OF})],
            manifest=dbt._parsed_manifest(database),
        )


@pytest.fixture(scope="module")
def outcomes(
    postgres: Database, maintenance: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What every unit test said: "" when it passed, else the difference."""
    folder = tmp_path_factory.mktemp("dbt")
    with fresh_database(postgres, maintenance) as database:
        made = _dbt(database, folder, "build", "--empty", "--exclude-resource-type", "test",
                    "--exclude-resource-type", "unit_test",
                    "--exclude-resource-type", "exposure")  # fmt: skip
        assert {str(result.status) for result in made} == {"success"}
        yield {
            result.node.name: ""
            if result.status == "pass"
            else re.sub(r"\x1b\[\d*m", "", result.message or str(result.status))
            for result in _dbt(database, folder, "test", "--select", "test_type:unit")
        }


@pytest.mark.parametrize("name", _names())
def test_rule(outcomes: dict[str, str], name: str) -> None:
    assert name in outcomes, "dbt did not run it"
    assert not outcomes[name], f"{name}\n{outcomes[name]}"
