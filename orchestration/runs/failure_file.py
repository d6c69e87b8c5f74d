"""The sentence of a run that could not tell the database why it failed: kept in a small file."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg

_NAME = "last_failure.json"


def write_failure(home: Path, run_id: str, message: str, kind: str) -> None:
    """Keep the sentence until the database answers; the newest stands. A full disk loses it.

    Whoever keeps it tells it too (`notifications/alarm_file.py`), so that it is not lost unheard.
    """
    fact = {
        "run_id": run_id,
        "failed_at": datetime.now(UTC).isoformat(),
        "message": message,
        "kind": kind,
    }
    partial = home / f".{_NAME}.{os.getpid()}"
    try:
        partial.write_text(json.dumps(fact), encoding="utf-8")
        os.replace(partial, home / _NAME)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def store_kept_failure(home: Path, conn: psycopg.Connection) -> None:
    """Put what was kept into `ops.run_failure`, then forget the file."""
    path = home / _NAME
    try:
        fact = json.loads(path.read_text(encoding="utf-8"))
        entry = [fact[name] for name in ("run_id", "failed_at", "message", "kind")]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        entry = []  # half a file says nothing
    if entry:
        try:
            with conn.transaction():
                conn.execute(
                    "insert into ops.run_failure (run_id, failed_at, message, kind)"
                    " values (%s, %s, %s, %s) on conflict do nothing",
                    entry,
                )
        except psycopg.errors.DiskFull:
            return  # the file waits until there is room
    path.unlink(missing_ok=True)
