"""Alarms stored in a file while the database is unreachable."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration.folders import privacy_fault
from orchestration.notifications import alarms
from orchestration.notifications.alarms import Alarm, PendingNotification

_NAME = "alarms.json"
_RESERVED = 16_384  # bytes written at first: on a full disk, what fits in them can still be written
_LOCK_TIMEOUT = 60.0  # seconds

_Row = dict[str, Any]


class AlarmFile:
    """Rows of `ops.alarm` and `ops.notification` that the database has still to take."""

    def __init__(self, home: Path) -> None:
        self._paths = _paths(home)
        self.alarms, self.notifications = _read(self._paths)

    def open_alarm(self, kind: str, facts: Mapping[str, str]) -> None:
        """Add an alarm, unless there is one of its kind, and write the file.

        Raises OSError when it can be written nowhere: who was told could not be stored either.
        """
        now = datetime.now(UTC)
        if all(row["kind"] != kind for row in self.alarms):
            self.alarms.append(
                {
                    # In microseconds: the database's own ids, which count from 1, do not reach it.
                    "alarm_id": int(now.timestamp() * 1_000_000),
                    "kind": kind,
                    "subject": "",
                    "since": now.isoformat(),
                    "facts": dict(facts),
                }
            )
        self._write()

    def pending(self, channel: str) -> PendingNotification:
        """Return the alarms that a recipient has not been told."""
        told = [row["alarm_id"] for row in self._of(channel) if row["told_at"]]
        return PendingNotification(
            tuple(_alarm(row) for row in self.alarms if row["alarm_id"] not in told)
        )

    def record_result(self, channel: str, sent: PendingNotification, failure: str) -> None:
        """Store what became of a message to one recipient."""
        now = datetime.now(UTC).isoformat()
        failing = [row["failing_since"] for row in self._of(channel) if row["failure"]]
        self.notifications = [
            row for row in self.notifications if row["channel"] != channel or row["told_at"]
        ]
        self.notifications += [
            {
                "alarm_id": alarm.alarm_id,
                "channel": channel,
                "told_at": None if failure else now,
                "failing_since": min(failing, default=now) if failure else None,
                "failure": failure,
            }
            for alarm in sent.began
        ]
        self._write()

    def move_to_database(self, conn: psycopg.Connection) -> None:
        """Insert the rows into the database and empty the file.

        Killed between the two, it inserts them again, which changes nothing.
        """
        alarms.insert_stored(conn, self.alarms, self.notifications)
        self.alarms, self.notifications = [], []
        with suppress(OSError):  # the same holds for a file that cannot be emptied
            self._write()

    def _of(self, channel: str) -> list[_Row]:
        return [row for row in self.notifications if row["channel"] == channel]

    def _write(self) -> None:
        text = json.dumps({"alarm": self.alarms, "notification": self.notifications})
        first, *spares = self._paths
        try:
            _overwrite(first, text)
        except OSError as error:
            for spare in spares:
                with suppress(OSError):
                    spare.parent.mkdir(mode=0o700, exist_ok=True)
                    if not privacy_fault(spare.parent, os.getuid()):
                        _overwrite(spare, text)
                        return
            raise OSError(error.errno, error.strerror, str(first)) from None
        for spare in spares:
            with suppress(OSError):
                spare.unlink(missing_ok=True)


@contextmanager
def locked_file(home: Path) -> Iterator[AlarmFile]:
    """Yield the file while no other process uses it.

    After a minute of waiting, or where no lock can be had, it is used all the same.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / ".notify.lock").open("w")
    except OSError:
        yield AlarmFile(home)
        return
    with lock:
        deadline = time.monotonic() + _LOCK_TIMEOUT
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.1)
        yield AlarmFile(home)


def move_to_database(home: Path, conn: psycopg.Connection) -> None:
    """Insert what the file holds, if anything, into the database; reserve its room otherwise."""
    path = _paths(home)[0]
    if AlarmFile(home).alarms:
        with locked_file(home) as file:
            file.move_to_database(conn)
    elif not path.exists() or path.stat().st_size < _RESERVED:
        with suppress(OSError):
            _overwrite(path, "{}")


def _alarm(row: _Row) -> Alarm:
    since = datetime.fromisoformat(row["since"])
    return Alarm(row["alarm_id"], row["kind"], row["subject"], since, row["facts"])


def _read(paths: list[Path]) -> tuple[list[_Row], list[_Row]]:
    for path in reversed(paths):  # the spare exists only while the other cannot be written
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return stored["alarm"], stored["notification"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # missing, empty, or cut off by a crash
    return [], []


def _paths(home: Path) -> list[Path]:
    """Return the file, and its spare for while the state folder cannot be written to."""
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    try:
        folder = Path(tempfile.gettempdir()) / f"atendimento-alarms-{os.getuid()}-{digest}"
        ours = not os.path.lexists(folder) or not privacy_fault(folder, os.getuid())
    except OSError:
        ours = False
    # The folder's name can be guessed, and another account may have made it.
    return [home / _NAME, *([folder / _NAME] if ours else [])]


def _overwrite(path: Path, text: str) -> None:
    """Write in place: a new file beside it, to be renamed, would need room."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb") as file:
        file.write(text.encode().ljust(_RESERVED))
        file.truncate()
