"""`atendimento dagster`: start Dagster's UI, its daemon, or both."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.parameters import Host, Port

_WORKSPACE = ("-w", "workspace.yaml")


class Program(StrEnum):
    """One of Dagster's programs, each as a service."""

    DAEMON = "daemon"
    WEBSERVER = "webserver"


def dagster(
    host: Host = "127.0.0.1",
    port: Port = 3000,
    only: Annotated[
        Program | None, typer.Option(help="Only what runs (daemon), or only the UI (webserver).")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="With --only webserver: a UI that starts nothing.")
    ] = False,
) -> None:
    """Start the Dagster UI with schedules and sensors."""
    from orchestration.runs.bootstrap import export_environment, open_database, prepare_home
    from orchestration.settings import ROOT, load_settings

    settings = load_settings()
    prepare_home(settings)
    export_environment(settings, open_database(settings))
    name, *arguments = dagster_command(
        host, port, only=only, read_only=read_only, log_format=settings.log_format
    )
    path = str(Path(sys.executable).parent / name)
    os.chdir(ROOT)
    os.execv(path, [path, *arguments])  # noqa: S606 — signals must reach the program itself


def dagster_command(
    host: str, port: int, *, only: Program | None, read_only: bool, log_format: str
) -> list[str]:
    """The command line of the program to start.

    Args:
        host: The address that the UI listens on.
        port: The port that the UI listens on.
        only: The one program to start; None starts UI and daemon together.
        read_only: Whether the UI may start nothing; applies to the webserver alone.
        log_format: `text` or `json`.

    Returns:
        The program's name in the folder of this Python, then its arguments.
    """
    log = ["--log-format", "json"] if log_format == "json" else []
    if only == Program.DAEMON:
        return ["dagster-daemon", "run", *_WORKSPACE, *log]
    address = ["-h", host, "-p", str(port)]
    if only == Program.WEBSERVER:
        return [
            "dagster-webserver",
            *_WORKSPACE,
            *address,
            *(["--read-only"] if read_only else []),
            *log,
        ]
    return ["dagster", "dev", *_WORKSPACE, *address, *log]
