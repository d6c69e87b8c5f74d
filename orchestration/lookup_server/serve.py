"""`atendimento serve`: the lookup page over what is published."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from urllib.parse import urlsplit

import uvicorn

from orchestration import VERSION, logs
from orchestration.access import accounts, retention, roles
from orchestration.access.accounts import FirstPassword
from orchestration.access.roles import Logins
from orchestration.errors import UserError
from orchestration.http_server.slow_clients import limited_protocol
from orchestration.lookup_server.metrics_endpoint import with_metrics_endpoint
from orchestration.postgres import session
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE, SIGN_IN
from orchestration.publication.swap import published_by
from orchestration.runs.bootstrap import lookup_access, open_database, prepare_home
from orchestration.settings import Settings, SettingsError
from reports.lookup.app import create_app
from reports.lookup.config import LookupConfig, OpenIdConfig

_ROLES = {"manager": "demo manager", "attendant": "demo attendant"}


class UnfitRole(UserError):
    """The page's role could see or change more than a page may."""


def lookup_config(settings: Settings, logins: Logins, host: str) -> LookupConfig:
    """What the app is told; the address it listens on is among the names it answers to."""
    own = [f"[{host}]" if ":" in host else host]
    openid = _openid(settings) if settings.sign_in == "openid" else None
    if openid:
        # Without a port, as a request's name is compared.
        own.append(re.sub(r":\d+$", "", urlsplit(openid.public_url).netloc))
    return LookupConfig(
        page_database=logins.page.url,
        sign_in_database=logins.sign_in.url,
        pin=session.pin,
        publish_dir=settings.published,
        version=VERSION,
        hosts=tuple(dict.fromkeys((*settings.hosts, *own))),
        timezone=settings.group_timezone,
        sign_in=settings.sign_in,
        trusted_proxies=settings.proxies,
        proxy_user_header=settings.proxy_user_header,
        proxy_secret=settings.proxy_secret.get_secret_value() if settings.proxy_secret else "",
        openid=openid,
        idle=timedelta(minutes=settings.session_idle_minutes),
        lifetime=timedelta(hours=settings.session_hours),
    )


def _openid(settings: Settings) -> OpenIdConfig:
    """The provider as the settings name it. Raises SettingsError when it cannot be used."""
    secret = settings.openid_client_secret
    given = {
        "ATENDIMENTO_OPENID_ISSUER": settings.openid_issuer,
        "ATENDIMENTO_OPENID_CLIENT_ID": settings.openid_client_id,
        "ATENDIMENTO_OPENID_CLIENT_SECRET": secret and secret.get_secret_value(),
        "ATENDIMENTO_PUBLIC_URL": settings.public_url,
    }
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise SettingsError(f"ATENDIMENTO_SIGN_IN is openid, which needs {', '.join(missing)} too.")
    if not all(find_spec(module) for module in ("authlib", "requests")):
        raise SettingsError(
            "ATENDIMENTO_SIGN_IN is openid, and what it needs is not installed: "
            "`uv sync --inexact --no-dev --extra openid`, or "
            "`pip install 'tela-de-atendimento[openid]'`."
        )
    from reports.lookup.openid import is_safe

    issuer, client_id, client_secret, address = map(str, given.values())
    parts = urlsplit(address)
    if not is_safe(issuer) or not is_safe(address) or parts.path.strip("/") or parts.query:
        raise SettingsError(
            "ATENDIMENTO_OPENID_ISSUER and ATENDIMENTO_PUBLIC_URL must begin with https:// "
            "(http:// on this machine alone), the second without a path, for the provider sends "
            "people back to it."
        )
    return OpenIdConfig(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        public_url=f"{parts.scheme}://{parts.netloc}",
        claim=settings.openid_login_claim,
    )


def assert_fit(logins: Logins, *, large_objects: bool = True) -> None:
    """Check that the page's role sees by policies alone, and changes nothing.

    Args:
        logins: The page's logins.
        large_objects: Whether the role must not be able to store large objects either. On a server
            that is not ours perhaps nobody may withdraw them; `atendimento doctor` tells how.

    Raises:
        UnfitRole: The role could see or change more.
    """
    with logins.page.connect(application="atendimento lookup") as conn:
        faults = roles.page_role_faults(conn, large_objects=large_objects)
    if faults:
        raise UnfitRole(
            "The lookup page is not served, since its database role is not fit for it: "
            + "; ".join(faults)
            + ". Nothing was changed."
        )


def prepare_lookup_server(settings: Settings) -> tuple[Database, Logins]:
    """The database with all that the page needs. Raises DatabaseError, SettingsError, UnfitRole."""
    _assert_sign_in(settings)
    prepare_home(settings)
    database = open_database(settings)
    logins = roles.page_logins(settings, database)
    assert_fit(logins, large_objects=settings.database_url is None)
    return database, logins


def prepared_logins(settings: Settings) -> Logins:
    """The page's two logins, for an account that can be no other role and needs no state folder.

    Raises:
        SettingsError: No settings name the logins.
        DatabaseError: A login does not get in.
        UnfitRole: The page's role could see or change more than a page may.
    """
    _assert_sign_in(settings)
    given = (settings.lookup_database_url, settings.sign_in_database_url)
    access = lookup_access(settings)
    if all(given):
        page, sign_in = (Database(str(url)) for url in given)
    elif access and not settings.database_url:
        page, sign_in = access.database(PAGE), access.database(SIGN_IN)
    else:
        raise SettingsError(
            "--prepared needs ATENDIMENTO_LOOKUP_DATABASE_URL and "
            "ATENDIMENTO_SIGN_IN_DATABASE_URL, or for the embedded PostgreSQL "
            "ATENDIMENTO_LOOKUP_ACCOUNT and ATENDIMENTO_LOOKUP_SOCKET_DIR."
        )
    sign_in.connect(application="atendimento lookup").close()
    logins = Logins(page, sign_in)
    assert_fit(logins, large_objects=not all(given))
    return logins


def _assert_sign_in(settings: Settings) -> None:
    if settings.sign_in == "proxy" and not settings.proxies:
        raise SettingsError(
            "ATENDIMENTO_SIGN_IN is proxy, and ATENDIMENTO_TRUSTED_PROXIES names none: nobody "
            "could sign in."
        )
    if settings.sign_in == "proxy" and not settings.proxy_secret:
        raise SettingsError(
            "ATENDIMENTO_SIGN_IN is proxy, and ATENDIMENTO_PROXY_SECRET is not set: any program "
            "on the proxy's machine could name a user. Set it to the output of "
            "`openssl rand -hex 32`, and let the proxy send it in X-Proxy-Secret "
            "(docs/operations.md)."
        )
    if settings.sign_in == "openid":
        _openid(settings)


def startup_messages(settings: Settings, database: Database) -> list[str]:
    """What is said at the start: first passwords of a demo, and that a run is due after an update.

    What is old is forgotten.
    """
    with database.connect(application="atendimento serve") as conn:
        conn.autocommit = True
        retention.delete_expired(conn, settings.access_log_retention_days)
        said = []
        if published_by(conn) not in (None, VERSION):
            said.append(
                f"Published by {published_by(conn) or 'a version before 0.3.0'}, and this is "
                f"{VERSION}: run `atendimento run`. Until then what is new cannot be shown."
            )
        if settings.sign_in == "local":
            said += [_said(first) for first in accounts.demo_first_passwords(conn)]
        return said


def _said(first: FirstPassword) -> str:
    return f"{_ROLES[first.role]:<15} login {first.login:<24} first password {first.password}"


def serve_lookup(settings: Settings, logins: Logins, listening: socket.socket, host: str) -> None:
    """Serve until told to stop. No log of addresses: anybody may type a name into one."""
    app = create_app(lookup_config(settings, logins, host))
    token = settings.metrics_token
    server = uvicorn.Server(
        uvicorn.Config(
            with_metrics_endpoint(app, settings.metrics, token.get_secret_value() if token else ""),
            # No `limit_concurrency`: it counts idle connections too, and these would lock people
            # out.
            http=limited_protocol(settings.proxies),
            log_config=logs.of_server(settings.log_format),
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
            ws="none",
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn ends in order first, then raises it again
        server.run([listening])
