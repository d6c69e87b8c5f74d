"""The health check at `/health`, for monitoring; it shows no secrets and no personal data."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reports.lookup.request_context import app_services

PATH = "/health"


async def show_health(request: Request) -> Response:
    """Answer 200 if both logins can connect and an edition is published, else 503."""
    found = await app_services(request).probe.check()
    if not found.has_database:
        return JSONResponse({"status": "unavailable", "database": "away"}, 503)
    if not found.has_tables or found.edition is None:
        return JSONResponse({"status": "unavailable", "database": "ok", "edition": None}, 503)
    return JSONResponse({"status": "ok", "database": "ok", "edition": found.edition})
