"""An error that no command foresaw ends it with a sentence: no traceback, no value of a row."""

from __future__ import annotations

import psycopg
import pytest

from checks.runner import CheckCrashed
from orchestration.cli import main as cli
from orchestration.settings import Settings
from reports.editions import PublishError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PublishError("The edition could not be read. Nothing was changed."), "edition could not"),
        (CheckCrashed("The checks did not answer."), "checks did not answer"),
        (psycopg.errors.AdminShutdown("terminating"), "once it answers"),
        (psycopg.errors.DiskFull("could not extend"), "Make room"),
        (PermissionError(13, "Permission denied", "/srv/state"), "/srv/state: Permission denied"),
        (psycopg.errors.UniqueViolation('Key (name)=("Zulmira")'), "fault of the program"),
        (KeyError("Zulmira"), "fault of the program"),
    ],
)
def test_a_command_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    told: str,
) -> None:
    def fail(*_: object) -> Settings:
        raise error

    monkeypatch.setattr("orchestration.settings.load_settings", fail)
    assert cli.main(["deliveries"]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.splitlines()[-1].startswith("Failed: ")
    assert "Traceback" not in said
    assert "Zulmira" not in said
    if "fault" in told:
        assert "orchestration/cli/deliveries.py, line " in said
