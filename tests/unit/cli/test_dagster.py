"""`atendimento dagster`: which of Dagster's programs, with which arguments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pipeline import Program

from orchestration.postgres.database import Database


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        ([], "dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000"),
        (["--host", "::1", "--port", "3001"], "dagster dev -w workspace.yaml -h ::1 -p 3001"),
        (["--only", "daemon"], "dagster-daemon run -w workspace.yaml"),
        (
            ["--only", "webserver", "--read-only"],
            "dagster-webserver -w workspace.yaml -h 127.0.0.1 -p 3000 --read-only",
        ),
    ],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_program_that_is_started(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    program: str,
    log_format: str,
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: started.append(arguments))
    monkeypatch.setattr(os, "chdir", lambda _: None)
    said = Program(tmp_path, database).call("dagster", *arguments, LOG_FORMAT=log_format)
    assert said.exit_code == 0, said.output
    ((name, *others),) = started
    expected = [*program.split(), *(["--log-format", "json"] if log_format == "json" else [])]
    assert [Path(name).name, *others] == expected
