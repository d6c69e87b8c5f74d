"""The one alarm the database cannot keep: that it cannot be used itself.

Belongs here: who was told, in a small file of the state folder; told once, and once again when the
database is back. Does not: noticing it (whoever is refused a connection calls), nor other alarms.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.notify import words
from orchestration.notify.alarms import Alarm, Untold
from orchestration.notify.channels import Channel, attempt, channels
from orchestration.notify.words import Message
from orchestration.settings import Settings

_NAME = "database_away.json"


def tell_away(settings: Settings, to: Sequence[Channel] | None = None) -> list[str]:
    """Tell each channel that was not told yet; the failures, for a person."""
    places = channels(settings) if to is None else to
    if not places:
        return []
    path = settings.home / _NAME
    with _alone(settings.home):
        since, told = _known(path)
        message = _message(settings, since, over=False)
        new = [channel for channel in places if channel.key not in told]
        failures = {channel: attempt(channel, message) for channel in new}
        told += [channel.key for channel in new if not failures[channel]]
        _keep(path, since, told)
    return _said(failures)


def tell_back(settings: Settings, to: Sequence[Channel]) -> list[str]:
    """Tell each channel that was told; one that fails is tried again next time."""
    path = settings.home / _NAME
    if not path.exists():
        return []
    with _alone(settings.home):
        since, told = _known(path)
        message = _message(settings, since, over=True)
        failures = {channel: attempt(channel, message) for channel in to if channel.key in told}
        left = [channel.key for channel in failures if failures[channel]]
        if left:
            _keep(path, since, left)
        else:
            path.unlink(missing_ok=True)
    return _said(failures)


def _message(settings: Settings, since: datetime, *, over: bool) -> Message:
    alarm = (Alarm(int(since.timestamp()), "database_away", "", since, {}),)
    news = Untold((), alarm) if over else Untold(alarm, ())
    return words.message(news, settings.group_timezone, settings.public_address or "")


def _said(failures: dict[Channel, str]) -> list[str]:
    return [
        f"{channel.label} could not be told: {failure}"
        for channel, failure in failures.items()
        if failure
    ]


def _known(path: Path) -> tuple[datetime, list[str]]:
    try:
        fact = json.loads(path.read_text(encoding="utf-8"))
        return datetime.fromisoformat(fact["since"]), list(fact["told"])
    except (OSError, ValueError, KeyError, TypeError):
        return datetime.now(UTC), []


def _keep(path: Path, since: datetime, told: Sequence[str]) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps({"since": since.isoformat(), "told": list(told)}))
    os.replace(fresh, path)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two processes must not tell at once."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / ".notify.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
