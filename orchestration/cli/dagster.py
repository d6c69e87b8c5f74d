"""`atendimento dagster`: start Dagster's UI, its daemon, or both."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.parameters import Host, Port


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
        bool,
        typer.Option(
            "--read-only",
            help="A UI that starts nothing; always so on other hosts than this machine's.",
        ),
    ] = False,
) -> None:
    """Start the Dagster UI with schedules and sensors."""
    from orchestration.runs.bootstrap import export_environment, open_database, prepare_home
    from orchestration.settings import ROOT, load_settings

    settings = load_settings()
    prepare_home(settings)
    export_environment(settings, open_database(settings))
    os.chdir(ROOT)
    daemon = daemon_command(settings.log_format)
    if only == Program.DAEMON:
        os.execv(daemon[0], daemon)  # noqa: S606 — signals must reach the program itself
    from orchestration.http_server.listening import bind_socket

    listening = bind_socket(host, port)

    from orchestration.dagster_ui import server  # imported late: Dagster takes seconds

    named = f"[{host}]" if ":" in host else host
    print(f"Dagster's UI is on http://{named}:{listening.getsockname()[1]}", flush=True)
    if not server.is_local(listening):
        print("Other machines can connect to it, so it is read-only.", flush=True)
    with suppress(KeyboardInterrupt):
        if only:
            server.serve_dagster_ui(settings, listening, host, read_only=read_only)
        else:
            with server.running_daemon(daemon) as process:
                server.serve_dagster_ui(
                    settings, listening, host, read_only=read_only, daemon=process
                )
    print("Stopped.")


def daemon_command(log_format: str) -> list[str]:
    """The command line of Dagster's daemon, with a log of `text` or `json`."""
    program = str(Path(sys.executable).with_name("dagster-daemon"))
    log = ["--log-format", "json"] if log_format == "json" else []
    return [program, "run", "-w", "workspace.yaml", *log]
