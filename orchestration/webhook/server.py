"""Runs the webhook receiver."""

from __future__ import annotations

import socket
from contextlib import suppress

import uvicorn

from orchestration import logs
from orchestration.http_server.slow_clients import limited_protocol
from orchestration.settings import Settings
from orchestration.webhook.app import create_webhook_app
from orchestration.webhook.journal import SpoolWriter


def serve_webhook(
    settings: Settings, secret: str, verify_token: str, listening: socket.socket
) -> None:
    """Serve until interrupted, in one process: throughput is bound by the disk.

    Args:
        settings: Name the spool folder, which is created if missing, the trusted proxies and the
            format of the log.
        secret: The app secret that signs the bodies.
        verify_token: The token of the verification request.
        listening: The bound socket.
    """
    folder = settings.whatsapp_spool
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = create_webhook_app(SpoolWriter(folder), secret, verify_token)
    # No access log: the query of the verification request holds the token. No `limit_concurrency`:
    # it counts idle connections too, so these would lock WhatsApp out.
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=limited_protocol(settings.proxies),
            access_log=False,
            log_config=logs.of_server(settings.log_format),
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=10,
            ws="none",
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn shuts down gracefully, then raises it again
        server.run([listening])
