"""Serving the receiver until it is told to stop.

Belongs here: the HTTP server's limits. Does not: what a request means (`app.py`).
"""

from __future__ import annotations

from pathlib import Path

import uvicorn

from orchestration import logs
from orchestration.logs import LogFormat
from orchestration.webhook.app import create_app
from orchestration.webhook.journal import Journal

# 64 bodies of 3 MB at once are 200 MB; WhatsApp sends again what is turned away.
_AT_ONCE = 64


def serve(
    folder: Path, secret: str, verify_token: str, host: str, port: int, log_format: LogFormat
) -> None:
    """Receive into the folder. One process: it is the disk that is waited for."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = create_app(Journal(folder), secret, verify_token)
    # No access log: the query of the first request holds the token.
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=logs.of_server(log_format),
        log_level="warning",
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=10,
        ws="none",
    )
