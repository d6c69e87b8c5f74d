"""Ways to tell: a webhook (JSON by POST) and e-mail.

An address may hold a secret or name a person: it is not logged nor kept, only a digest of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from orchestration.notifications.messages import Message
from orchestration.settings import Settings

_SECONDS = 10  # of each step: connecting, one part of an answer
_SECONDS_IN_ALL = 30.0
_AT_ONCE = 8
SIGNATURE = "X-Atendimento-Signature-256"


class ChannelError(Exception):
    """A message did not go out; why, without the address."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One place to tell. `key` names it in the database, `label` to a person."""

    key: str
    label: str
    send: Callable[[Message], None]


_under_way: dict[str, threading.Thread] = {}


def send_with_timeout(channel: Channel, message: Message) -> str:
    """Send the message; why it did not go out, or nothing.

    Given up after half a minute, however far it came: an answer that drips passes the time-out of
    each step. What was given up may go on in its thread, one a channel, until the process ends.
    """
    before = _under_way.get(channel.key)
    if before and before.is_alive():
        return "the attempt before this one has not ended yet"
    said: list[str] = []
    thread = threading.Thread(target=_send, args=(channel, message, said), daemon=True)
    _under_way[channel.key] = thread
    thread.start()
    thread.join(_SECONDS_IN_ALL)
    return said[0] if said else f"it did not end within {_SECONDS_IN_ALL:g} seconds"


def send_to_all(due: Mapping[Channel, Message]) -> Iterator[tuple[Channel, str]]:
    """Send each channel its message, several at once; each with why it failed, or nothing."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from zip(due, pool.map(send_with_timeout, due, due.values()), strict=True)


def _send(channel: Channel, message: Message, said: list[str]) -> None:
    try:
        channel.send(message)
    except ChannelError as error:
        said.append(str(error))
    except Exception as error:
        # In a thread of its own nobody else would hear of it; its text may repeat the address.
        said.append(f"it failed: {type(error).__name__}")
    else:
        said.append("")


def configured_channels(settings: Settings) -> list[Channel]:
    """The channels of the settings, none by default."""
    return [*_webhooks(settings), *_mailboxes(settings)]


def _webhooks(settings: Settings) -> list[Channel]:
    secret = settings.notify_webhook_secret
    key = secret.get_secret_value().encode() if secret else b""
    return [
        Channel(_key("webhook", url), f"webhook {urlsplit(url).hostname}", partial(_post, url, key))
        for url in settings.notify_webhook_urls
    ]


def _mailboxes(settings: Settings) -> list[Channel]:
    recipients, host = settings.notify_recipients, settings.notify_smtp_host
    return [
        Channel(
            _key("email", recipient),
            f"e-mail {number} of {len(recipients)} by {host}",
            partial(_mail, settings, recipient),
        )
        for number, recipient in enumerate(recipients, 1)
    ]


def _key(kind: str, address: str) -> str:
    return f"{kind} {hashlib.sha256(address.encode()).hexdigest()[:16]}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is a failure: the news are for the address that was set."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def _post(url: str, secret: bytes, message: Message) -> None:
    body = json.dumps(asdict(message), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "atendimento",
        "Idempotency-Key": message.message_id,
    }
    if secret:
        headers[SIGNATURE] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 — https
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            raise ChannelError(f"it answered {error.code}") from None
    except urllib.error.URLError as error:
        reason = error.reason
        said = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        raise ChannelError(f"it could not be reached: {said}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise ChannelError(f"it could not be reached: {type(error).__name__}") from None


def _mail(settings: Settings, recipient: str, message: Message) -> None:
    mail = EmailMessage()
    sender = settings.notify_email_from or ""
    mail["From"], mail["To"], mail["Subject"] = (
        sender,
        recipient,
        f"[Atendimento] {message.subject}",
    )
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2].strip('> ')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    try:
        server = _server(settings)
        try:
            if settings.notify_smtp_user:
                password = settings.notify_smtp_password
                server.login(
                    settings.notify_smtp_user, password.get_secret_value() if password else ""
                )
            server.send_message(mail)
            # The mail is taken: how the server says good-bye does not matter.
            with suppress(smtplib.SMTPException, OSError):
                server.putcmd("QUIT")
        finally:
            server.close()
    except smtplib.SMTPResponseException as error:
        raise ChannelError(f"the mail server answered {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # What a server says may repeat the address.
        raise ChannelError(f"the mail could not be sent: {type(error).__name__}") from None


def _server(settings: Settings) -> smtplib.SMTP:
    host, port = settings.notify_smtp_host or "", settings.notify_smtp_port
    if settings.notify_smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=_SECONDS)
    if settings.notify_smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server
