"""Settings: what the environment and `.env` say, read once, checked, all named `ATENDIMENTO_…`.

`tests/conventions/test_settings.py` keeps `.env.example` complete.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import sys
from collections.abc import Mapping
from datetime import datetime, time
from functools import cache
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dotenv import dotenv_values
from psycopg import ProgrammingError
from pydantic import (
    Field,
    PositiveFloat,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.errors import UsageError
from orchestration.files import read_regular
from orchestration.postgres.database import Database

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "ATENDIMENTO_"
# Set by the program itself for the processes it starts, or by the tests.
_INTERNAL = ("ATENDIMENTO_DBT_", "ATENDIMENTO_DAGSTER_", "ATENDIMENTO_TEST_")

# Names of 0.3.0, accepted for one release: what they are called now.
RENAMED = {
    "source_window_hours": "lookback_hours",
    "source_whole_hours": "full_refresh_hours",
    "source_whole": "full_refresh",
    "start_database": "embedded_autostart",
    "page_database_url": "lookup_database_url",
    "signin_database_url": "sign_in_database_url",
    "keep_editions": "edition_retention_count",
    "keep_edition_days": "edition_retention_days",
    "rejected_share_limit": "max_rejected_share",
    "agendas_fell_share": "agenda_drop_share",
    "page_processes": "render_processes",
    "proxy_addresses": "trusted_proxies",
    "lookup_hosts": "allowed_hosts",
    "openid_claim": "openid_login_claim",
    "access_log_days": "access_log_retention_days",
    "webhook_secret": "whatsapp_app_secret",
    "webhook_verify_token": "whatsapp_verify_token",
    "webhook_spool": "whatsapp_spool_dir",
    "notify_edition_by": "edition_deadline",
    "public_address": "public_url",
    "keep_run_days": "run_retention_days",
    "keep_runs": "run_retention_count",
    "keep_result_days": "result_retention_days",
    "keep_backups": "backup_retention_count",
}

_SHORTEST_SECRET = 32
_LARGEST_ENV_FILE = 1 << 20

_HERE = ("localhost", "127.0.0.1", "::1")

Share = Annotated[float, Field(ge=0, le=1)]


class SettingsError(UsageError):
    """A setting that cannot be used; the message names it and says what it must be."""

    prefix = "Wrong settings: "


class Settings(BaseSettings):
    """Every setting, with its default. A field's description is its line in `.env.example`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str | None = Field(
        None,
        description="postgresql:// URL of PostgreSQL 17 or newer; default: the embedded PostgreSQL",
    )
    embedded_autostart: bool = Field(
        True, description="false: only `atendimento start` starts the embedded PostgreSQL"
    )
    lookup_database_url: str | None = Field(
        None, description="postgresql:// URL of the lookup page's read role; default: created"
    )
    sign_in_database_url: str | None = Field(
        None, description="postgresql:// URL of the lookup page's sign-in role; default: created"
    )
    home: Path = Field(ROOT / "var", description="state folder: embedded database, Dagster, logs")
    source: str | None = Field(
        None,
        description="delivery folder, or postgresql://…?schema=NAME, for runs without --source",
    )
    lookback_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        2,
        description="hours before the newest loaded row from which a database is read again",
    )
    full_refresh_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        20, description="hours after which a database is read in full instead of incrementally"
    )
    full_refresh: bool = Field(
        False, description="true: every run reads a database in full instead of incrementally"
    )
    inbox: Path | None = Field(
        None, description="folder that the sensor watches for delivery folders; default: HOME/inbox"
    )
    publish_dir: Path | None = Field(
        None, description="folder in which the pages are published; default: HOME/published"
    )
    edition_retention_count: Annotated[int, Field(ge=1)] = Field(
        6, description="number of newest editions kept, whatever their date"
    )
    edition_retention_days: Annotated[int, Field(ge=0)] = Field(
        30, description="days for which the last edition of each date is kept"
    )
    csv_encoding: str = Field("utf-8", description="encoding of CSV files, e.g. cp1252")
    max_file_mb: Annotated[int, Field(ge=1)] = Field(
        4096,
        description="MB of one file of a delivery, decompressed, above which it is refused",
    )
    max_rejected_share: Share = Field(
        0.05,
        description="share of an entity file above which rejected rows refuse the delivery and"
        " parked ones warn (R2)",
    )
    group_timezone: str = Field(
        "America/Sao_Paulo", description="time zone of snapshot dates, schedules and printed times"
    )
    morning_schedule: str = Field("0 6 * * *", description="cron of the morning run")
    refresh_schedule: str = Field(
        "*/30 7-19 * * 1-6", description="cron of the refreshes during the working day"
    )
    agenda_drop_share: Share = Field(
        0.2,
        description="decrease of agendas between editions, as a share, above which a check warns",
    )
    invalid_phone_share: Share = Field(
        0.4, description="share of agendas with an invalid phone above which a check warns"
    )
    stale_hours: Annotated[float, Field(gt=0)] = Field(
        24, description="hours without a new version in the source after which data are stale"
    )
    stale_hours_by_company: dict[str, PositiveFloat] = Field(
        {}, description='limits of single companies: {"COMPANY_ID": HOURS, …}'
    )
    render_processes: Annotated[int, Field(ge=0)] = Field(
        0, description="processes that write the pages of a large edition; 0: one per core"
    )
    sign_in: Literal["local", "proxy", "openid"] = Field(
        "local", description="sign-in method of the lookup page: local (accounts), proxy, openid"
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks of trusted reverse proxies, separated by commas",
    )
    proxy_user_header: str = Field(
        "X-Remote-User", description="header with the login, set by the proxy; for sign-in proxy"
    )
    proxy_secret: SecretStr | None = Field(
        None,
        description="secret that the proxy sends in X-Proxy-Secret, at least 32 characters; "
        "required by sign-in proxy",
    )
    openid_issuer: str | None = Field(
        None, description="issuer URL of the OpenID provider, https://…; for sign-in openid"
    )
    openid_client_id: str | None = Field(
        None, description="client id registered at the OpenID provider"
    )
    openid_client_secret: SecretStr | None = Field(
        None, description="client secret registered at the OpenID provider"
    )
    openid_login_claim: str = Field(
        "preferred_username", description="claim of the ID token that contains the user's login"
    )
    allowed_hosts: str = Field(
        "127.0.0.1,localhost,[::1]",
        description="host names that the lookup page and Dagster's UI answer to, separated by "
        "commas",
    )
    session_idle_minutes: Annotated[int, Field(ge=1)] = Field(
        30, description="minutes without a request after which a session ends"
    )
    session_hours: Annotated[int, Field(ge=1, le=168)] = Field(
        12, description="maximum hours of a session"
    )
    access_log_retention_days: Annotated[int, Field(ge=1)] = Field(
        365, description="days for which the lookup page's access log is kept"
    )
    whatsapp_app_secret: SecretStr | None = Field(
        None, description="app secret of the WhatsApp webhook; required by `atendimento webhook`"
    )
    whatsapp_verify_token: SecretStr | None = Field(
        None, description="token to enter at Meta with the webhook's URL"
    )
    whatsapp_spool_dir: Path | None = Field(
        None, description="folder of received WhatsApp events; default: HOME/whatsapp"
    )
    notify_webhooks: SecretStr = Field(
        SecretStr(""),
        description="webhook URLs that alarms are posted to as JSON, separated by commas",
    )
    notify_webhook_secret: SecretStr | None = Field(
        None, description="key of the HMAC signature of webhook alarms; default: unsigned"
    )
    notify_email_to: str = Field(
        "", description="addresses that alarms are mailed to, separated by commas"
    )
    notify_email_from: str | None = Field(None, description="sender address of the mails")
    notify_smtp_host: str | None = Field(None, description="SMTP server")
    notify_smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        587, description="SMTP port: 587 with starttls, 465 with tls"
    )
    notify_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls, or none (only for an SMTP server on this machine)"
    )
    notify_smtp_user: str | None = Field(None, description="SMTP user, if the server requires one")
    notify_smtp_password: SecretStr | None = Field(None, description="SMTP password")
    notify_chat_urls: SecretStr = Field(
        SecretStr(""),
        description="Apprise URLs of chats (Teams, Slack …) for alarms, separated by commas",
    )
    edition_deadline: time | Literal["never"] = Field(
        time(8),
        description="local time by which the day's edition must be published, or never",
    )
    public_url: str | None = Field(
        None, description="URL at which users open the pages, for links in messages"
    )
    metrics_token: SecretStr | None = Field(
        None, description="bearer token for /metrics of the lookup page; without it /metrics is off"
    )
    metrics_file: Path | None = Field(
        None, description="Prometheus metrics file; default: HOME/metrics/atendimento.prom"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="format of log lines: text, or json (one object per line)"
    )
    run_retention_days: Annotated[int, Field(ge=1)] = Field(
        30, description="days for which Dagster's runs, events and logs are kept"
    )
    run_retention_count: Annotated[int, Field(ge=1)] = Field(
        1000, description="maximum number of Dagster runs kept, the newest"
    )
    result_retention_days: Annotated[int, Field(ge=31)] = Field(
        90, description="days for which check results, failures and rejected rows are kept"
    )
    backup_retention_count: Annotated[int, Field(ge=1)] = Field(
        7, description="number of newest backups kept"
    )

    @field_validator("database_url", "lookup_database_url", "sign_in_database_url")
    @classmethod
    def _is_a_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        # Neither the value nor libpq's words about it are repeated: they hold the password.
        with contextlib.suppress(ProgrammingError):
            database = Database(url)
            if "," in database.parts.get("host", "") + database.parts.get("port", ""):
                raise ValueError("it must name one host: put a proxy before several")
            if database.is_clear:
                return url
        raise ValueError(
            "it must read postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %, @, :, /, ? and # "
            "in a password written as %25, %40, %3A, %2F, %3F and %23"
        )

    @field_validator("group_timezone")
    @classmethod
    def _is_a_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not an IANA time zone") from error
        return name

    @field_validator("morning_schedule", "refresh_schedule")
    @classmethod
    def _is_a_cron(cls, text: str) -> str:
        try:
            next(CronSim(text, datetime(2026, 1, 1)))  # noqa: DTZ001 — any moment will do
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"{text!r} is no cron of five fields, such as '0 6 * * *'") from error
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        for part in _listed(text):
            try:
                ip_network(part)
            except ValueError as error:
                raise ValueError(f"{part!r} is neither an address nor a network") from error
        return text

    @field_validator("proxy_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        text = secret.get_secret_value() if secret else ""
        if secret and (len(text) < _SHORTEST_SECRET or not text.isascii() or " " in text):
            raise ValueError(
                f"it must have at least {_SHORTEST_SECRET} ASCII characters and no space, for "
                "example the output of `openssl rand -hex 32`"
            )
        return secret

    @field_validator("csv_encoding")
    @classmethod
    def _is_an_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError as error:
            raise ValueError(f"{name!r} is not an encoding Python knows") from error
        return name

    @field_validator("home", "publish_dir", "inbox", "whatsapp_spool_dir", "metrics_file")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        try:
            return path.expanduser().absolute() if path else None
        except RuntimeError as error:
            raise ValueError(f"{path} names an account that is not there") from error

    @model_validator(mode="after")
    def _alarms_can_be_told(self) -> Self:
        """Neither in the clear nor half: said at once, not when there is something to tell."""
        for url in self.notify_webhook_urls:
            if not _may_be_posted_to(url):
                raise SettingsError(
                    "ATENDIMENTO_NOTIFY_WEBHOOKS cannot be used: each address must begin with "
                    "https://, or with http:// on this machine."
                )
        if not all(_is_chat_url(url) for url in self.notify_chats):
            raise SettingsError(
                "ATENDIMENTO_NOTIFY_CHAT_URLS cannot be used: each must be a URL of Apprise, "
                "SERVICE://…, with a comma in it written as %2C."
            )
        if self.notify_chats and not find_spec("apprise"):
            raise SettingsError(
                "ATENDIMENTO_NOTIFY_CHAT_URLS is set, and what it needs is not installed: "
                "`uv sync --extra chat`, or `pip install 'tela-de-atendimento[chat]'`."
            )
        if not self.notify_recipients:
            return self
        if not self.notify_smtp_host or not self.notify_email_from:
            raise SettingsError(
                "ATENDIMENTO_NOTIFY_EMAIL_TO is set: ATENDIMENTO_NOTIFY_SMTP_HOST and "
                "ATENDIMENTO_NOTIFY_EMAIL_FROM must be set too."
            )
        if self.notify_smtp_security == "none" and self.notify_smtp_host not in _HERE:
            raise SettingsError(
                "ATENDIMENTO_NOTIFY_SMTP_SECURITY is none: that is for a mail server on this "
                "machine only."
            )
        return self

    @property
    def published(self) -> Path:
        """The folder of the pages."""
        return self.publish_dir or self.home / "published"

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The addresses of the reverse proxy."""
        return tuple(ip_network(part) for part in _listed(self.trusted_proxies))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that the lookup page and Dagster's UI answer to."""
        return _listed(self.allowed_hosts)

    @property
    def notify_webhook_urls(self) -> tuple[str, ...]:
        """The addresses that alarms are posted to; they may hold secrets."""
        return _listed(self.notify_webhooks.get_secret_value())

    @property
    def notify_recipients(self) -> tuple[str, ...]:
        """The addresses that alarms are mailed to."""
        return _listed(self.notify_email_to)

    @property
    def notify_chats(self) -> tuple[str, ...]:
        """The chats that alarms are sent to, as URLs of Apprise; they hold secrets."""
        return _listed(self.notify_chat_urls.get_secret_value())

    @property
    def metrics(self) -> Path:
        """The file that metrics are written to."""
        return self.metrics_file or self.home / "metrics" / "atendimento.prom"

    @property
    def watched(self) -> Path:
        """The folder the sensor watches."""
        return self.inbox or self.home / "inbox"

    @property
    def whatsapp_spool(self) -> Path:
        """The folder in which WhatsApp events wait for the next run."""
        return self.whatsapp_spool_dir or self.home / "whatsapp"


def load_settings(env_file: Path = ROOT / ".env") -> Settings:
    """Read the settings. Raises SettingsError for an unknown name or an unusable value."""
    given = {**_values_in(env_file), **os.environ}
    try:
        return Settings(_env_file=env_file, **_renamed(given))  # type: ignore[arg-type, call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} cannot be used: {first['msg']}. See .env.example.") from error


def _renamed(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return the values given under names of an earlier release, by their present names.

    Raises SettingsError for a name that is neither present nor former.
    """
    fields = Settings.model_fields
    values: dict[str, str] = {}
    for name, value in given.items():
        if not name.startswith(PREFIX) or name.startswith(_INTERNAL):
            continue
        field = name.removeprefix(PREFIX).lower()
        if new := RENAMED.get(field):
            _warn_of_rename(name, PREFIX + new.upper())
            if value and not given.get(PREFIX + new.upper()):
                values[new] = value
        elif field not in fields:
            near = difflib.get_close_matches(field, fields, 1)
            hint = f" Did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise SettingsError(f"There is no setting {name}.{hint} See .env.example.")
    return values


@cache
def _warn_of_rename(old: str, new: str) -> None:
    print(
        f"Warning: {old} is called {new} now; the old name works until the next release.",
        file=sys.stderr,
    )


def _may_be_posted_to(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE))


def _is_chat_url(url: str) -> bool:
    """Return whether it has the form; loading Apprise's services to ask them takes seconds."""
    scheme, _, rest = url.partition("://")
    return bool(rest) and scheme.isascii() and scheme.isalnum() and not any(map(str.isspace, url))


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a setting that lists several by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _values_in(env_file: Path) -> dict[str, str | None]:
    """What the file sets: a name misspelt there is as wrong as one in the environment."""
    try:
        text = read_regular(env_file, _LARGEST_ENV_FILE, follow=True).decode("utf-8")
        return dotenv_values(stream=io.StringIO(text))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{env_file} cannot be read: {why}. Correct it, or remove it: every setting has a "
            "default (see .env.example)."
        ) from None
