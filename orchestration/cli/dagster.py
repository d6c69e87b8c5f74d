"""`atendimento dagster`: Dagster's own programs, told where everything is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.runs.run_result import FAILED, WRONG_USAGE
from orchestration.settings import ROOT, Settings, SettingsError

_WORKSPACE = ("-w", "workspace.yaml")


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """The command and its arguments."""
    dagster = commands.add_parser("dagster", help="the Dagster UI with schedules and sensors")
    dagster.add_argument("--host", default="127.0.0.1")
    dagster.add_argument("--port", type=int, default=3000)
    dagster.add_argument(
        "--only",
        choices=("daemon", "webserver"),
        help="one of the two alone, as a service each: what runs, or the UI",
    )
    dagster.add_argument(
        "--read-only", action="store_true", help="with --only webserver: a UI that starts nothing"
    )


def execute(options: argparse.Namespace, settings: Settings, end: Callable[[int, str], int]) -> int:
    """Become that program, so that signals reach it; only a failure returns."""
    from orchestration.postgres.database import DatabaseError
    from orchestration.runs.bootstrap import export_environment, open_database, prepare_home

    try:
        prepare_home(settings)
        export_environment(settings, open_database(settings))
    except SettingsError as error:
        return end(WRONG_USAGE, f"Wrong settings: {error}")
    except DatabaseError as error:
        return end(FAILED, f"Failed: {error}")
    name, *arguments = program(options, settings.log_format)
    path = str(Path(sys.executable).parent / name)
    os.chdir(ROOT)
    os.execv(path, [path, *arguments])  # noqa: S606


def program(options: argparse.Namespace, log_format: str) -> list[str]:
    """The program's name and arguments."""
    log = ["--log-format", "json"] if log_format == "json" else []
    if options.only == "daemon":
        return ["dagster-daemon", "run", *_WORKSPACE, *log]
    address = ["-h", options.host, "-p", str(options.port)]
    if options.only == "webserver":
        can_start = ["--read-only"] if options.read_only else []
        return ["dagster-webserver", *_WORKSPACE, *address, *can_start, *log]
    return ["dagster", "dev", *_WORKSPACE, *address, *log]
