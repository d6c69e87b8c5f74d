"""What `deploy/` starts is what the program understands, as an account that is not root."""

from __future__ import annotations

import shlex
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orchestration.cli.main import app

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
CHECKOUT = "/opt/tela-de-atendimento"


def section(path: Path, name: str) -> dict[str, str]:
    """A section of a unit; the last of several lines of one name."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path, encoding="utf-8")
    return dict(unit[name])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_starts_a_command_of_the_program(path: Path) -> None:
    service = section(path, "Service")
    for name in ("ExecStart", "ExecStop"):
        if name in service:
            program, *arguments = service[name].split()
            assert program == f"{CHECKOUT}/.venv/bin/atendimento"
            commands: Any = get_command(app)
            with commands.make_context("atendimento", list(arguments)) as context:
                called, command, rest = commands.resolve_command(context, arguments)
                command.make_context(called, rest, parent=context)  # refuses what it does not know
    assert service["User"] != "root"
    assert service["UMask"] == "0077"
    assert service["NoNewPrivileges"] == "yes"
    assert service["WorkingDirectory"] == CHECKOUT


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.timer")), ids=lambda path: path.stem)
def test_a_timer_has_its_service(path: Path) -> None:
    assert path.with_suffix(".service") in UNITS
    assert section(path, "Install")["WantedBy"] == "timers.target"


def test_every_unit_is_told_of() -> None:
    told = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    for path in (*UNITS, *DEPLOY.glob("*.timer")):
        assert f"`{path.stem}" in told, path.name


@pytest.mark.parametrize(("url", "code"), [("", 0), ("postgresql://u:p w@db.example/a", 1)])
def test_the_embedded_database_is_skipped_where_another_is_named(url: str, code: int) -> None:
    """From 1 on systemd skips the unit without calling it failed."""
    condition = section(DEPLOY / "atendimento-database.service", "Service")["ExecCondition"]
    command = shlex.split(condition.replace("$$", "$"))
    said = {"ATENDIMENTO_DATABASE_URL": url} if url else {}
    assert subprocess.run(command, env=said, check=False).returncode == code


@pytest.mark.parametrize("setting", ["HOME", "PUBLISH_DIR", "METRICS_FILE", "WHATSAPP_SPOOL_DIR"])
def test_a_folder_that_a_unit_may_not_write_to_is_told_of(setting: str) -> None:
    """Settings of what is written; outside the state folder the sandbox shuts it out."""
    told = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, table = told.partition("ReadWritePaths=FOLDER")
    assert f"| `ATENDIMENTO_{setting}`" in table
