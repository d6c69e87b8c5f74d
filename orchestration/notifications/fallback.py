"""Alarms kept in a file while the database cannot keep them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestration.notifications import messages
from orchestration.notifications.alarms import Alarm, PendingNotification
from orchestration.notifications.channels import Channel, configured_channels, send_to_all
from orchestration.settings import Settings

_NAME = "alarms.json"
_ROOM = 4096  # bytes that the file has from the beginning: a full disk takes what needs no new room
_WAIT = 60.0


@dataclass(slots=True)
class _Kept:
    """An alarm of the file, and the channels that were told of it."""

    since: str
    facts: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.since)


def notify_database_unreachable(
    settings: Settings, to: Sequence[Channel] | None = None
) -> list[str]:
    """Tell each channel that was not told yet that the database is away; the failures."""
    return _begin(settings, "database_away", {}, to)


def notify_unrecorded_failure(
    settings: Settings, facts: Mapping[str, str], to: Sequence[Channel] | None = None
) -> list[str]:
    """Tell of a run's failure that the database did not take; the failures."""
    return _begin(settings, "run_failed", facts, to)


def pending_kinds(home: Path, published_at: datetime | None) -> set[str]:
    """The kinds that the file has and the database must not begin or end."""
    known = _known(home).items()
    return {kind for kind, kept in known if not _is_over(kind, kept, published_at)}


def flush_fallback(
    settings: Settings, to: Sequence[Channel], published_at: datetime | None
) -> list[str]:
    """With a database that answers: tell what is over, and what a channel has still to be told.

    Whoever fails is tried again next time.
    """
    if not _known(settings.home):
        _reserve(settings.home)
        return []
    with _alone(settings.home):
        state = _known(settings.home)
        return [
            failure
            for kind, kept in list(state.items())
            for failure in _tell(settings, state, kind, to, over=_is_over(kind, kept, published_at))
        ]


def _begin(
    settings: Settings, kind: str, facts: Mapping[str, str], to: Sequence[Channel] | None
) -> list[str]:
    places = configured_channels(settings) if to is None else to
    if not places:
        return []
    with _alone(settings.home):
        state = _known(settings.home)
        state.setdefault(kind, _Kept(datetime.now(UTC).isoformat(), dict(facts)))
        return _tell(settings, state, kind, places, over=False)


def _tell(
    settings: Settings, state: dict[str, _Kept], kind: str, to: Sequence[Channel], *, over: bool
) -> list[str]:
    """Tell whoever has to be told and keep that; the failures.

    What could not be kept is not sent, since it would be sent again at each look.
    """
    kept = state[kind]
    due = [channel for channel in to if (channel.key in kept.told) == over]
    if not due and not over:
        return []
    if problem := _write(settings.home, state):
        return [problem]
    alarm = (Alarm(int(kept.began.timestamp()), kind, "", kept.began, kept.facts),)
    news = PendingNotification((), alarm) if over else PendingNotification(alarm, ())
    message = messages.build_message(news, settings.group_timezone, settings.public_url or "")
    said = dict(send_to_all(dict.fromkeys(due, message)))
    failed = [channel for channel in due if said[channel]]
    if over:
        kept.told = [channel.key for channel in failed]
    else:
        kept.told += [channel.key for channel in due if channel not in failed]
    if over and not failed:
        del state[kind]
    problem = _write(settings.home, state)
    return [
        *(f"{channel.label} could not be told: {said[channel]}" for channel in failed),
        *([problem] if problem else []),
    ]


def _is_over(kind: str, kept: _Kept, published_at: datetime | None) -> bool:
    if kind == "run_failed":
        return published_at is not None and published_at > kept.began
    return True  # who asks has a database


def _known(home: Path) -> dict[str, _Kept]:
    """What was kept last."""
    for path in reversed(_places(home)):  # the spare is there only while the other is refused
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            state = {kind: _Kept(**fact) for kind, fact in facts.items()}
            _ = [kept.began for kept in state.values()]
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # half a file says nothing
        return state
    return {}


def _write(home: Path, state: Mapping[str, _Kept]) -> str:
    """Keep the state; why it cannot be kept anywhere, or nothing."""
    text = json.dumps({kind: asdict(kept) for kind, kept in state.items()})
    first, *spares = _places(home)
    try:
        _overwrite(first, text)
    except OSError as error:
        for spare in spares:
            with suppress(OSError):
                spare.parent.mkdir(mode=0o700, exist_ok=True)
                _overwrite(spare, text)
                return ""
        return (
            f"Alarms could not be told: who was told cannot be kept in {first}: {error.strerror}."
        )
    for spare in spares:
        with suppress(OSError):
            spare.unlink(missing_ok=True)
    return ""


def _reserve(home: Path) -> None:
    """Give the file its room while there is any."""
    path = _places(home)[0]
    if not path.exists():
        with suppress(OSError):
            _overwrite(path, "{}")


def _places(home: Path) -> list[Path]:
    """The file, and where it is while the state folder cannot be written to."""
    place = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    try:
        folder = Path(tempfile.gettempdir()) / f"atendimento-alarms-{os.getuid()}-{place}"
        ours = not os.path.lexists(folder) or folder.lstat().st_uid == os.getuid()
    except OSError:
        ours = False
    # The folder's name can be known, and anybody may have made it.
    return [home / _NAME, *([folder / _NAME] if ours else [])]


def _overwrite(path: Path, text: str) -> None:
    """Write in place: a new file beside it, to be renamed, would need room."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb") as file:
        file.write(text.encode().ljust(_ROOM))
        file.truncate()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two processes must not tell at once; on a full disk, or after a minute, they may."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / ".notify.lock").open("w")
    except OSError:
        yield
        return
    with lock:
        until = time.monotonic() + _WAIT
        while time.monotonic() < until:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.1)
        yield
