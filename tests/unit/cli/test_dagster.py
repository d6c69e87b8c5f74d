"""`atendimento dagster`: which of Dagster's programs, with which arguments."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pipeline import Program

from orchestration.cli.dagster import daemon_command
from orchestration.dagster_ui import server
from orchestration.errors import UserError
from orchestration.postgres.database import Database

DAEMON = ["dagster-daemon", "run", "-w", "workspace.yaml"]
JSON = ["--log-format", "json"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was started: command lines of the daemon, and whether each UI was read-only."""
    found: list[object] = []

    def named(command: Sequence[str]) -> list[str]:
        return [Path(command[0]).name, *command[1:]]

    def replaced(_: str, command: Sequence[str]) -> None:
        found.append(named(command))
        raise KeyboardInterrupt  # it does not return

    @contextmanager
    def beside(command: Sequence[str]) -> Iterator[str]:
        found.append(named(command))
        yield "daemon"

    def serve(_: object, listening: socket.socket, host: str, **options: Any) -> None:
        with listening:
            found.append((host, server.is_local(listening), options))

    monkeypatch.setattr(os, "execv", replaced)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(server, "running_daemon", beside)
    monkeypatch.setattr(server, "serve_dagster_ui", serve)
    return found


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_programs_that_are_started(
    database: Database, tmp_path: Path, started: list[object], log_format: str
) -> None:
    daemon = [*DAEMON, *(JSON if log_format == "json" else [])]

    def calls(*arguments: str) -> list[object]:
        started.clear()
        said = Program(tmp_path, database).call(
            "dagster", "--port", "0", *arguments, LOG_FORMAT=log_format
        )
        assert "Traceback" not in said.output
        return list(started)

    both = {"read_only": False, "daemon": "daemon"}
    assert calls() == [daemon, ("127.0.0.1", True, both)]
    assert calls("--read-only") == [daemon, ("127.0.0.1", True, both | {"read_only": True})]
    assert calls("--only", "daemon") == [daemon]
    alone = ("--only", "webserver")
    assert calls(*alone) == [("127.0.0.1", True, {"read_only": False})]
    assert calls(*alone, "--host", "0.0.0.0") == [("0.0.0.0", False, {"read_only": False})]


def test_a_ui_that_others_can_reach_is_said_to_be_read_only(
    database: Database, tmp_path: Path, started: list[object]
) -> None:
    program = Program(tmp_path, database)
    for host, is_read_only in (("0.0.0.0", True), ("localhost", False)):
        said = program.call("dagster", "--only", "webserver", "--port", "0", "--host", host)
        assert said.exit_code == 0
        assert ("so it is read-only" in said.output) == is_read_only


def test_a_daemon_that_ends_is_told_and_one_that_runs_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="daemon ended"), server.running_daemon(["true"]) as ended:
        ended.wait()
    with pytest.raises(KeyboardInterrupt), server.running_daemon(["sleep", "60"]) as running:
        raise KeyboardInterrupt
    assert running.poll() is not None
    assert daemon_command("json")[-2:] == JSON
