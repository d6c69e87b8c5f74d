"""The configuration of the app: addresses, folders and limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

import psycopg

SignInKind = Literal["local", "proxy", "openid"]
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCost:
    """The cost of one Argon2id hash: passes, KiB of memory, lanes (default: RFC 9106's second)."""

    passes: int = 3
    memory: int = 65_536
    lanes: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdConfig:
    """The OpenID provider, this app's registration there, and the ID token claim used as login.

    `public_url` is this app's own URL without a path; the provider redirects back to it.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    public_url: str
    claim: str = "preferred_username"
    waits_seconds: float = 5
    pause_seconds: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupConfig:
    """Everything that the app takes from outside.

    `page_database` is the login that reads the published tables, `sign_in_database` the one that
    writes accounts, sessions and the access log; `pin` sets what every session of both relies on.
    `version` is the program's, compared with the one
    that published. `hosts` are the host names that the app answers to. `proxy_user_header` is
    accepted only from `trusted_proxies`, with `proxy_secret`, and only with the sign-in `proxy`;
    `openid` is set only with the sign-in `openid`.
    """

    page_database: str
    sign_in_database: str
    pin: Callable[[psycopg.Connection], None]
    publish_dir: Path
    version: str = ""
    hosts: tuple[str, ...] = LOCAL_HOSTS
    timezone: str = "America/Sao_Paulo"
    sign_in: SignInKind = "local"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy_user_header: str = "X-Remote-User"
    proxy_secret: str = field(default="", repr=False)
    openid: OpenIdConfig | None = None
    idle: timedelta = timedelta(minutes=30)
    lifetime: timedelta = timedelta(hours=12)
    tries_of_account: int = 5
    tries_of_address: int = 30
    locked_for: timedelta = timedelta(minutes=15)
    hash_cost: HashCost = HashCost()
    connections: int = 10
    statement_seconds: float = 5
    patience_seconds: float = 8
    largest_body: int = 16_384
    requests_at_once: int = 256
    requests_of_user: int = 4
    exports_at_once: int = 2
    exports_of_user: int = 1
