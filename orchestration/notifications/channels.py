"""The channels of the settings, and attempts to send a message by them.

An address may hold a secret or name a person: it is neither logged nor stored, only a digest of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from orchestration.notifications import chat, mail, webhook
from orchestration.notifications.messages import Message
from orchestration.settings import Settings

_TIMEOUT = 30.0  # seconds of an attempt as a whole
_CONCURRENT = 8


@dataclass(frozen=True, slots=True)
class Channel:
    """One recipient. `key` names it in the database, `label` to a person.

    `send` returns why the message was not accepted, or an empty string.
    """

    key: str
    label: str
    send: Callable[[Message], str]


_attempts: dict[str, threading.Thread] = {}


def send_with_timeout(channel: Channel, message: Message) -> str:
    """Send the message; return why it was not accepted, or an empty string.

    An attempt that has not ended after half a minute has failed: an answer that drips passes the
    time-out of each step. Its thread, one a channel, may go on until the process ends.
    """
    previous = _attempts.get(channel.key)
    if previous and previous.is_alive():
        return "the attempt before this one has not ended yet"
    results: list[str] = []
    thread = threading.Thread(target=_send, args=(channel, message, results), daemon=True)
    _attempts[channel.key] = thread
    thread.start()
    thread.join(_TIMEOUT)
    return results[0] if results else f"it did not end within {_TIMEOUT:g} seconds"


def send_to_all(due: Mapping[Channel, Message]) -> Iterator[tuple[Channel, str]]:
    """Send each channel its message, several at once; yield why each failed or an empty string."""
    with ThreadPoolExecutor(_CONCURRENT) as pool:
        yield from zip(due, pool.map(send_with_timeout, due, due.values()), strict=True)


def _send(channel: Channel, message: Message, results: list[str]) -> None:
    try:
        results.append(channel.send(message))
    except Exception as error:
        # Nobody sees what a thread raises, and its text may repeat the address.
        results.append(f"it failed: {type(error).__name__}")


def configured_channels(settings: Settings) -> list[Channel]:
    """Return the channels of the settings, none by default."""
    secret = settings.notify_webhook_secret
    key = secret.get_secret_value().encode() if secret else b""
    recipients, chats = settings.notify_recipients, settings.notify_chats
    return [
        *(
            Channel(
                _key("webhook", url),
                f"webhook {urlsplit(url).hostname}",
                partial(webhook.post, url, key),
            )
            for url in settings.notify_webhook_urls
        ),
        *(
            Channel(
                _key("email", recipient),
                f"e-mail {number} of {len(recipients)} by {settings.notify_smtp_host}",
                partial(mail.send, settings, recipient),
            )
            for number, recipient in enumerate(recipients, 1)
        ),
        *(
            Channel(
                _key("chat", url),
                f"chat {number} of {len(chats)} by {url.partition('://')[0]}",
                partial(chat.send, url),
            )
            for number, url in enumerate(chats, 1)
        ),
    ]


def _key(kind: str, address: str) -> str:
    return f"{kind} {hashlib.sha256(address.encode()).hexdigest()[:16]}"
