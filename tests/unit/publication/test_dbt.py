"""The parsed project: made once, anew for another database, never left with another's name."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from orchestration.postgres.database import Database
from orchestration.publication import dbt


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

    monkeypatch.setattr(dbt, "_invoke", parse)
    return names


def test_it_is_parsed_once_for_each_database(parsed_for: list[str], tmp_path: Path) -> None:
    for name in ("one", "one", "two", "two"):
        folder = dbt._parsed_project(tmp_path / "parsed", name)
        assert (folder / "manifest.json").read_text() == name
    assert parsed_for == ["one", "two"]
    assert [path.name for path in tmp_path.iterdir()] == ["parsed"]


def test_another_database_in_the_environment_does_not_get_into_it(
    parsed_for: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENDIMENTO_DBT_DATABASE", "test_1")
    dbt._parsed_project(tmp_path / "parsed", "atendimento")
    assert parsed_for == ["atendimento"]
    assert os.environ["ATENDIMENTO_DBT_DATABASE"] == "test_1"


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
    database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(dbt.BuildFailed, match=r'relation "raw\.company" does not exist'):
        dbt.build(
            database, datetime(2026, 11, 20, tzinfo=UTC), tmp_path / "dbt", select=["stg_company"]
        )
    assert capfd.readouterr() == ("", "")
    assert not [path for path in tmp_path.rglob("*.log") if path.read_text()]
