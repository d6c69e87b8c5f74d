"""`atendimento serve`: the lookup page over what is published.

Belongs here: what the app is told, what must be true before it may serve, and the HTTP server's
limits. Does not: what a request then does (`reports/lookup`).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import timedelta

import uvicorn

from orchestration import access_roles, lookup_accounts, retention
from orchestration.access_roles import Logins
from orchestration.database import Database
from orchestration.lookup_accounts import FirstPassword
from orchestration.runtime import open_database, prepare_home
from orchestration.settings import Settings, SettingsError
from reports.lookup.app import create_app
from reports.lookup.config import LookupConfig

_AT_ONCE = 256
_ROLES = {"manager": "demo manager", "attendant": "demo attendant"}


class UnfitRole(Exception):
    """The page's role could see or change more than a page may."""


def config(settings: Settings, logins: Logins, host: str) -> LookupConfig:
    """What the app is told; the address it listens on is among the names it answers to."""
    own = f"[{host}]" if ":" in host else host
    return LookupConfig(
        page_database=logins.page.url,
        sign_in_database=logins.sign_in.url,
        publish_dir=settings.published,
        hosts=tuple(dict.fromkeys((*settings.hosts, own))),
        timezone=settings.group_timezone,
        sign_in=settings.sign_in,
        proxy_addresses=settings.proxies,
        proxy_user_header=settings.proxy_user_header,
        idle=timedelta(minutes=settings.session_idle_minutes),
        lifetime=timedelta(hours=settings.session_hours),
    )


def assert_fit(logins: Logins) -> None:
    """Raise UnfitRole unless the page's role sees by policies alone, and changes nothing."""
    with logins.page.connect(application="atendimento lookup") as conn:
        faults = access_roles.faults_of_page(conn)
    if faults:
        raise UnfitRole(
            "The lookup page is not served, since its database role is not fit for it: "
            + "; ".join(faults)
            + ". Nothing was changed."
        )


def prepare(settings: Settings) -> tuple[Database, Logins]:
    """The database with all that the page needs. Raises DatabaseError, SettingsError, UnfitRole."""
    if settings.sign_in == "proxy" and not settings.proxies:
        raise SettingsError(
            "ATENDIMENTO_SIGN_IN is proxy, and ATENDIMENTO_PROXY_ADDRESSES names none: nobody "
            "could sign in."
        )
    prepare_home(settings)
    database = open_database(settings)
    logins = access_roles.logins(settings, database)
    assert_fit(logins)
    return database, logins


def greeting(settings: Settings, database: Database) -> list[str]:
    """What is said at the start: first passwords of a demo; and what is old is forgotten."""
    with database.connect(application="atendimento serve") as conn:
        conn.autocommit = True
        retention.forget_old(conn, settings.access_log_days)
        if settings.sign_in != "local":
            return []
        return [_said(first) for first in lookup_accounts.first_passwords_of_demo(conn)]


def _said(first: FirstPassword) -> str:
    return f"{_ROLES[first.role]:<15} login {first.login:<24} first password {first.password}"


def listen(host: str, port: int) -> socket.socket:
    """The socket, taken before anything is said: another program may have the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def serve(settings: Settings, logins: Logins, listening: socket.socket, host: str) -> None:
    """Serve until told to stop. No access log of addresses: a search may stand in one."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config(settings, logins, host)),
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=10,
            ws="none",
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn ends in order first, then raises it again
        server.run([listening])
