"""Runs the webhook receiver."""

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
    """Serve until interrupted, in one process: throughput is bound by the disk.

    Args:
        folder: The spool folder; it is created if missing.
        secret: The app secret that signs the bodies.
        verify_token: The token of the verification request.
        listening: The bound socket.
        log_format: Format of the log.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = create_webhook_app(SpoolWriter(folder), secret, verify_token)
    # No access log: the query of the verification request holds the token. No connection limit:
    # idle connections would lock WhatsApp out; the app limits concurrent requests instead.
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
    with suppress(KeyboardInterrupt):  # uvicorn shuts down gracefully, then raises it again
        server.run([listening])
