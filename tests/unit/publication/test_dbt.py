"""The parsed project, for whichever database, and what is told of a build that failed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from orchestration.postgres.database import Database
from orchestration.publication import dbt


def test_it_is_parsed_once_whatever_database_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed_for: list[str] = []

    def parse(arguments: list[str], **_: object) -> list[object]:
        target = Path(arguments[arguments.index("--target-path") + 1])
        target.mkdir(parents=True)
        parsed_for.append(os.environ["ATENDIMENTO_DBT_DATABASE"])
        for name in ("manifest.json", "partial_parse.msgpack"):
            (target / name).touch()
        return []

    monkeypatch.setattr(dbt, "_invoke", parse)
    monkeypatch.setenv("ATENDIMENTO_DBT_DATABASE", "test_1")
    for _ in range(2):
        dbt._parsed_project(tmp_path / "parsed")
    assert parsed_for == ["atendimento"]
    assert os.environ["ATENDIMENTO_DBT_DATABASE"] == "test_1"
    assert [path.name for path in tmp_path.iterdir()] == ["parsed"]


@pytest.mark.proof
def test_the_parsed_project_names_the_database_as_if_it_had_been_parsed_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dbt.manifest_path()
    patched = dbt._parsed_manifest(Database("postgresql:///other-1")).to_dict()
    monkeypatch.setattr(dbt, "_PARSED_DATABASE", "other-1")
    parsed = json.loads((dbt._parsed_project(tmp_path) / "manifest.json").read_text())
    for kind in ("nodes", "sources", "unit_tests", "macros", "exposures"):
        for name, expected in parsed[kind].items():
            found = patched[kind][name]
            for key in expected.keys() - {"created_at"}:
                assert found[key] == expected[key], (name, key)


@pytest.mark.parametrize(
    "statement",
    [
        "select 'Joana'::integer",
        "select E'12\" wheel\nof Joana'::integer",
        "select '2026-02-30 Joana'::date",
        "do $$ begin create temp table c (n text, p int not null);"
        " insert into c values ('Joana', null); end $$",
        "do $$ begin create temp table c (n text primary key);"
        " insert into c values ('Joana'), ('Joana'); end $$",
    ],
)
def test_what_dbt_says_is_told_without_the_values_of_rows(
    database: Database, statement: str
) -> None:
    with database.connect() as conn, pytest.raises(psycopg.Error) as raised:
        conn.execute(statement)
    assert "Joana" in str(raised.value)
    told = dbt.without_values(f"Database Error in model client\n  {raised.value}")
    assert "Joana" not in told
    assert len(told.splitlines()) == 2


def test_a_model_that_cannot_be_built_is_named_and_dbt_itself_is_silent(
    empty_database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(dbt.BuildFailed, match=r'relation "raw\.company" does not exist'):
        dbt.build(
            empty_database,
            datetime(2026, 11, 20, tzinfo=UTC),
            tmp_path / "dbt",
            select=["stg_company"],
        )
    assert capfd.readouterr() == ("", "")
    assert not [path for path in tmp_path.rglob("*.log") if path.read_text()]
