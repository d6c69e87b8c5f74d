"""The command line: what every command does before it works, and how each one ends."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pipeline import Program, environment

from orchestration.cli import main as cli
from orchestration.errors import WRONG_USAGE, CheckFailed, UsageError, UserError
from orchestration.launch import daily_run
from orchestration.postgres.database import Database
from orchestration.settings import Settings, SettingsError


@pytest.fixture
def program(database: Database, tmp_path: Path) -> Program:
    return Program(tmp_path, database)


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `atendimento stop` end by that error."""

    def stop(_: Path) -> None:
        raise error

    monkeypatch.setattr("orchestration.postgres.embedded.stop_server", stop)


def test_no_command_leaves_a_copy_of_its_memory_when_it_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        assert cli.main(["demo", str(tmp_path)]) == WRONG_USAGE
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "exit_code", "last_line"),
    [
        (UserError("It broke."), 1, "Failed: It broke."),
        (UserError("Line 3: no.\nNothing was loaded."), 1, "Failed: Nothing was loaded."),
        (UsageError("Name a source."), 2, "Name a source."),
        (SettingsError("HOME cannot be used."), 2, "Wrong settings: HOME cannot be used."),
        (CheckFailed("Not published: a check."), 3, "Not published: a check."),
    ],
)
def test_an_error_gives_the_exit_code_and_the_last_line(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    error: UserError,
    exit_code: int,
    last_line: str,
) -> None:
    fail(monkeypatch, error)
    said = program.call("stop")
    assert (said.exit_code, said.last_line) == (exit_code, last_line)
    assert str(error).splitlines()[0] in said.output


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("told", [interrupt, lambda: os.kill(os.getpid(), signal.SIGTERM)])
def test_a_command_that_is_told_to_stop_says_so(
    program: Program, monkeypatch: pytest.MonkeyPatch, told: Callable[[], None]
) -> None:
    monkeypatch.setattr("orchestration.postgres.embedded.stop_server", lambda _: told())
    before = signal.getsignal(signal.SIGTERM)
    said = program.call("stop")
    assert (said.exit_code, said.last_line.partition(".")[0]) == (
        1, "Interrupted before the end",
    )  # fmt: skip
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sweep"], "No such command 'sweep'"),
        (["backfill", "--from", "2026-11-20"], "Missing option '--to'"),
        (["run", "--as-of", "2026-11-20T12:00:00"], "has no offset"),
        (["deliveries", "--from", "20/11"], "'20/11' is not a date: write it as 2026-11-20"),
    ],
)
def test_wrong_usage_ends_with_a_sentence(
    program: Program, arguments: list[str], says: str
) -> None:
    said = program.call(*arguments)
    assert said.exit_code == 2
    assert said.last_line.startswith("Error: ")
    assert says in said.last_line


def ran_with(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each run that a command asks for; it publishes nothing."""
    asked: list[Settings] = []

    def run_daily_job(settings: Settings, *_: object) -> daily_run.PublishedRun:
        asked.append(settings)
        return daily_run.PublishedRun("r1", ["suite.few (3)"], {"c1": {"active": 1200}}, (5, 7))

    monkeypatch.setattr(daily_run, "run_daily_job", run_daily_job)
    return asked


@pytest.mark.parametrize(("option", "warns"), [("--full-refresh", False), ("--whole", True)])
def test_a_full_refresh_is_asked_for_by_its_new_and_its_old_name(
    program: Program, monkeypatch: pytest.MonkeyPatch, option: str, warns: bool
) -> None:
    asked = ran_with(monkeypatch)
    said = program.call("run", "--source", "crm", option)
    assert [settings.full_refresh for settings in asked] == [True]
    assert ("Warning: --whole is now --full-refresh" in said.output) == warns
    assert "1,200" in said.output
    assert program.call("run", "--source", "crm").exit_code == 0
    assert not asked[-1].full_refresh


def test_old_names_of_commands_and_options_warn(program: Program) -> None:
    said = program.call("backfill", "--from", "2026-10-02", "--to", "2026-10-01", "--again")
    assert "Warning: --again is now --force" in said.output
    assert said.exit_code == 2
    assert "Warning: atendimento tidy is now atendimento cleanup" in program.call("tidy").output
    assert "tidy" not in program.call("--help").output


def test_a_run_as_json_is_one_object(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ran_with(monkeypatch)
    said = program.call("run", "--source", "crm", "--as-of", "2026-11-20T15:00:00.25Z", "--json")
    told = json.loads(said.output)
    assert told["status"] == "published"
    assert told["as_of"] == "2026-11-20T12:00:00-03:00"
    assert told["totals"] == {"c1": {"active": 1200}}
    assert told["warnings"] == ["suite.few (3)"]


def test_a_run_that_fails_tells_programs_and_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment({"ATENDIMENTO_HOME": str(tmp_path)}):
        assert cli.main(["run", "--json"]) == WRONG_USAGE
    printed, said = capsys.readouterr()
    told = json.loads(printed)
    assert (told["status"], told["exit_code"], told["kind"]) == ("failed", 2, "UsageError")
    assert said.startswith("No source is named.")


def test_doctor_and_deliveries_as_json_are_one_object(program: Program) -> None:
    said = program.call("doctor", "--json")
    told = json.loads(said.output)
    assert said.exit_code == 1
    assert not told["well"]
    assert {
        name: next(line for line in told["lines"] if line["what"] == "publication")[name]
        for name in ("what", "well")
    } == {"what": "publication", "well": False}
    said = program.call("deliveries", "--json", "--from", "2026-11-20", "--to", "2026-11-21")
    assert json.loads(said.output) == {
        "from": "2026-11-20",
        "to": "2026-11-21",
        "deliveries": [],
        "inbox": [],
        "whatsapp_events": [],
    }
