"""What `deploy/` starts is what the program understands, as accounts that can do no more than they
must.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orchestration.cli.main import app

# What each unit runs as, and the folders that it may write to.
RUNS = "atendimento"
ACCOUNTS = {"atendimento-lookup": "atendimento-web", "atendimento-webhook": "atendimento-webhook"}
WRITABLE = {"atendimento-lookup": set(), "atendimento-webhook": {"/var/lib/atendimento-events"}}
STATE = "/var/lib/atendimento"
EXPOSURE = 2.5

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
CHECKOUT = "/opt/tela-de-atendimento"


HARDENING = DEPLOY / "atendimento-.service.d" / "hardening.conf"


def section(path: Path, name: str) -> dict[str, str]:
    """A section of a unit with what all services have; the last of several lines of one name."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read([HARDENING, path] if path.suffix == ".service" else path, encoding="utf-8")
    return dict(unit[name])


def folders(value: str) -> set[str]:
    return {folder.removeprefix("-") for folder in value.split()}


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
    assert service["UMask"] == "0077"
    assert service["NoNewPrivileges"] == "yes"
    assert service["WorkingDirectory"] == CHECKOUT


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_has_its_account_and_credentials(path: Path) -> None:
    service = section(path, "Service")
    assert service["User"] == ACCOUNTS.get(path.stem, RUNS)
    assert "Group" not in service
    assert "SupplementaryGroups" not in service
    assert service["LoadCredential"] == "atendimento:/etc/atendimento/credentials/%N"
    assert service["ProtectSystem"] == "strict"
    may_write = folders(service.get("ReadWritePaths", ""))
    if path.stem in ACCOUNTS:
        assert may_write == WRITABLE[path.stem]
        assert "StateDirectory" not in service
        assert STATE in folders(service["InaccessiblePaths"])
    else:
        assert STATE in may_write


def test_the_web_process_is_no_other_role() -> None:
    service = section(DEPLOY / "atendimento-lookup.service", "Service")
    assert "--prepared" in service["ExecStart"].split()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_each_service_is_little_exposed(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "etc" / "systemd" / "system")
    command = ["systemd-analyze", "security", "--offline=yes", f"--root={tmp_path}", "--no-pager"]
    for path in UNITS:
        said = subprocess.run([*command, path.name], capture_output=True, text=True, check=True)
        exposure = re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)
        assert exposure, said.stdout
        assert float(exposure[1]) < EXPOSURE, path.name


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
