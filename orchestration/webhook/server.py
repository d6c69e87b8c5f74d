"""Serving the receiver until it is told to stop."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import uvicorn

from orchestration import logs
from orchestration.logs import LogFormat
from orchestration.webhook.app import create_webhook_app
from orchestration.webhook.header_timeout import HeaderTimeout
from orchestration.webhook.journal import SpoolWriter


def serve_webhook(
    folder: Path, secret: str, verify_token: str, listening: socket.socket, log_format: LogFormat
) -> None:
    """Receive into the folder. One process: it is the disk that is waited for."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = create_webhook_app(SpoolWriter(folder), secret, verify_token)
    # No access log: the query of the first request holds the token. No limit of connections: those
    # that say nothing would keep WhatsApp out; the app limits what it is at work on.
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=HeaderTimeout,
            access_log=False,
            log_config=logs.of_server(log_format),
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=10,
            ws="none",
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn ends in order first, then raises it again
        server.run([listening])
