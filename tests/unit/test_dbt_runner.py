"""The parsed project: made once, anew for another database, never left with another's name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestration import dbt_runner


@pytest.fixture
def parsed_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The database names that were parsed for, dbt itself left out."""
    names: list[str] = []

    def parse(arguments: list[str], **_: object) -> list[object]:
        target = Path(arguments[arguments.index("--target-path") + 1])
        target.mkdir(parents=True)
        names.append(os.environ["ATENDIMENTO_DBT_DATABASE"])
        for name in ("manifest.json", "partial_parse.msgpack"):
            (target / name).write_text(names[-1])
        return []

    monkeypatch.setattr(dbt_runner, "_invoke", parse)
    return names


def test_it_is_parsed_once_for_each_database(parsed_for: list[str], tmp_path: Path) -> None:
    for name in ("one", "one", "two", "two"):
        folder = dbt_runner._parsed_project(tmp_path / "parsed", name)
        assert (folder / "manifest.json").read_text() == name
    assert parsed_for == ["one", "two"]
    assert [path.name for path in tmp_path.iterdir()] == ["parsed"]


def test_another_database_in_the_environment_does_not_get_into_it(
    parsed_for: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENDIMENTO_DBT_DATABASE", "test_1")
    dbt_runner._parsed_project(tmp_path / "parsed", "atendimento")
    assert parsed_for == ["atendimento"]
    assert os.environ["ATENDIMENTO_DBT_DATABASE"] == "test_1"
