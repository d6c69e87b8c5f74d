"""Runs Dagster's UI, alone or with Dagster's daemon."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.types import ASGIApp

from orchestration import logs
from orchestration.dagster_ui.own_requests import OwnRequests
from orchestration.errors import UserError
from orchestration.settings import ROOT, Settings
from reports.lookup.config import LOCAL_HOSTS

_STATEMENT_MS, _RECYCLE_SECONDS, _OVERFLOW = 15_000, 3_600, 20  # as `dagster-webserver`
_POLL_MS = 2_000
_STOP_SECONDS = 30


def is_local(listening: socket.socket) -> bool:
    """Whether only this machine can connect to a bound socket."""
    return ip_address(listening.getsockname()[0]).is_loopback


def create_ui_app(workspace: WorkspaceProcessContext, hosts: Iterable[str]) -> ASGIApp:
    """Dagster's UI over a workspace, for its own pages alone, under these host names."""
    webserver: DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext] = (
        DagsterWebserver(workspace, live_data_poll_rate=_POLL_MS)
    )
    return OwnRequests(webserver.create_asgi_app(), hosts)


def serve_dagster_ui(
    settings: Settings,
    listening: socket.socket,
    host: str,
    *,
    read_only: bool,
    daemon: subprocess.Popen[bytes] | None = None,
) -> None:
    """Serve the UI of the Dagster instance that the environment names, until told to stop.

    Args:
        settings: The settings.
        listening: The bound socket.
        host: The address it listens on, one of the names that the UI answers to.
        read_only: Whether the UI may start and change nothing. What other machines can connect to
            is always read-only, since the UI has no sign-in.
        daemon: The daemon; when it ends, the UI ends too.

    Raises:
        KeyboardInterrupt: Told to stop.
    """
    configure_loggers(formatter="json" if settings.log_format == "json" else "colored")
    own = f"[{host}]" if ":" in host else host
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_MS, _RECYCLE_SECONDS, _OVERFLOW)
        with WorkspaceProcessContext(
            instance,
            WorkspaceFileTarget([str(ROOT / "workspace.yaml")]),
            version=__version__,
            read_only=read_only or not is_local(listening),
        ) as workspace:
            server = _Server(
                uvicorn.Config(
                    create_ui_app(workspace, (*settings.hosts, *LOCAL_HOSTS, own)),
                    access_log=False,
                    log_config=logs.of_server(settings.log_format),
                    log_level="warning",
                    proxy_headers=False,
                    # The UI's websockets stay open.
                    timeout_graceful_shutdown=2,
                ),
                daemon,
            )
            server.run([listening])


@contextmanager
def running_daemon(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run Dagster's daemon until the block is interrupted.

    Raises UserError when the block ends otherwise, which it does when the daemon has ended.
    """
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    raise UserError(
        "Dagster's daemon ended, so the UI was stopped too. The lines above say why; then start "
        "`atendimento dagster` again."
    )


class _Server(uvicorn.Server):
    """A server that also ends when Dagster's daemon does."""

    def __init__(self, config: uvicorn.Config, daemon: subprocess.Popen[bytes] | None) -> None:
        super().__init__(config)
        self._daemon = daemon

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end; called ten times a second."""
        ended = self._daemon is not None and self._daemon.poll() is not None
        return await super().on_tick(counter) or ended
