"""The health check at `/health`, for monitoring; it shows no secrets and no personal data."""

from __future__ import annotations

import psycopg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reports import editions
from reports.lookup.connections import DatabaseUnavailable
from reports.lookup.request_context import app_services

_PATIENCE_SECONDS = 1.0


def show_health(request: Request) -> Response:
    """Answer 200 if both logins can connect and an edition is published, else 503."""
    services = app_services(request)
    current = editions.current_edition(services.config.publish_dir)
    try:
        with services.keeper.one(_PATIENCE_SECONDS) as conn:
            conn.execute("select from access.session limit 0")
        with services.page.one(_PATIENCE_SECONDS) as conn:
            found = conn.execute("select to_regclass('marts.company') is not null").fetchone()
    except (DatabaseUnavailable, psycopg.Error):
        return JSONResponse({"status": "unavailable", "database": "away"}, 503)
    if found != (True,) or current is None:
        return JSONResponse({"status": "unavailable", "database": "ok", "edition": None}, 503)
    return JSONResponse({"status": "ok", "database": "ok", "edition": current.name})
