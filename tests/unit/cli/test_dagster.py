"""`atendimento dagster`: which of Dagster's programs, with which arguments."""

from __future__ import annotations

import argparse

import pytest

from orchestration.cli import dagster


def asked(*arguments: str) -> argparse.Namespace:
    """What a command line says."""
    parser = argparse.ArgumentParser()
    dagster.add_command(parser.add_subparsers())
    return parser.parse_args(["dagster", *arguments])


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
def test_the_program_that_is_started(arguments: list[str], program: str) -> None:
    assert dagster.program(asked(*arguments), "text") == program.split()
    assert dagster.program(asked(*arguments), "json") == [
        *program.split(),
        "--log-format",
        "json",
    ]
