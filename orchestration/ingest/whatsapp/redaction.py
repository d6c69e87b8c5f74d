"""Redacts WhatsApp events of erased clients as they are loaded, in tables and in files.

Statuses are kept, since they belong to a dispatch; their error messages are removed.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.personal_data import OF_DISPATCH
from orchestration.ingest.whatsapp import spool
from orchestration.ingest.whatsapp.payload import WhatsAppEvent

_AT_ONCE = 10_000


def without_erased(event: WhatsAppEvent, numbers: ErasedNumbers) -> WhatsAppEvent | None:
    """Return the event without data of erased clients, or None when it must not be stored."""
    if event.family == "preference":
        return None if numbers.in_text(event.key, event.at) else event
    if event.payload is not None:
        return None if numbers.in_event(event.payload) else event
    if event.error_message is not None and numbers.in_text(event.error_message):
        return replace(event, error_message=None)
    return event


def blank_staged_events(conn: psycopg.Connection) -> None:
    """Remove error messages about dispatches to erased clients from the staged events."""
    conn.execute(
        sql.SQL(
            "update load_staging.whatsapp_event set error_message = null"
            " where family = 'status' and error_message is not null and key in ({})"
        ).format(sql.SQL(OF_DISPATCH))
    )


def blank_statuses(conn: psycopg.Connection) -> int:
    """Remove error messages about dispatches to erased clients from stored statuses.

    This runs at every load, since a status may arrive before its dispatch.
    """
    blanked = conn.execute(
        sql.SQL(
            """
            with gone as (
                delete from raw.whatsapp_status
                where error_message is not null and dispatch_id in ({})
                returning *
            )
            insert into raw.whatsapp_status
            select distinct on (dispatch_id, occurred_at, status, error_code)
                dispatch_id, occurred_at, status, error_code, null, delivery_id
            from gone
            on conflict do nothing
            """
        ).format(sql.SQL(OF_DISPATCH))
    ).rowcount
    if blanked:
        # Otherwise the messages stay in the statistics, among the most common values.
        conn.execute("analyze raw.whatsapp_status")
    return blanked


def erase_events(conn: psycopg.Connection, numbers: ErasedNumbers) -> dict[str, int]:
    """Delete the stored events of a client just erased; return the rows deleted by table."""
    told = conn.execute("select distinct whatsapp_number from raw.whatsapp_preference").fetchall()
    preferences = conn.execute(
        "delete from raw.whatsapp_preference where whatsapp_number = any(%s)",
        [[number for (number,) in told if numbers.in_text(number)]],
    )
    with conn.cursor("unhandled") as unhandled:
        unhandled.itersize = _AT_ONCE
        unhandled.execute("select digest, payload from raw.whatsapp_unhandled")
        digests = [digest for digest, payload in unhandled if numbers.in_event(payload)]
    deleted = conn.execute("delete from raw.whatsapp_unhandled where digest = any(%s)", [digests])
    return {
        "raw.whatsapp_status": blank_statuses(conn),
        "raw.whatsapp_preference": preferences.rowcount,
        "raw.whatsapp_unhandled": deleted.rowcount,
    }


def redact_files(files: Iterable[Path], numbers: ErasedNumbers) -> int:
    """Drop every line with an erased number from event files; return how many were rewritten.

    Unreadable lines of a damaged file are dropped too, since it is unknown whose they are.
    """
    rewritten = 0
    for path in files:
        if not _is_affected(path, numbers):
            continue
        fresh = path.with_name(f".{path.name}.new")
        fresh.touch(mode=0o600)
        zipped = path.name.endswith(".gz")
        with (
            suppress(spool.TruncatedFile),
            gzip.open(fresh, "wb") if zipped else fresh.open("wb") as file,
        ):
            for line in spool.read_lines(path):
                if not numbers.in_event(line):
                    file.write(line + b"\n")
        # The modification time records when the file was loaded.
        os.utime(fresh, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        fresh.replace(path)
        rewritten += 1
    return rewritten


def drop_loaded_events(loaded: Iterable[Path], numbers: ErasedNumbers) -> None:
    """Drop events of erased clients from files just loaded, before they are archived.

    A file that cannot be written is loaded, and redacted, again at the next load.
    """
    with suppress(OSError, DeliveryRefused):
        redact_files(loaded, numbers)


def event_files(folder: Path) -> list[Path]:
    """Return the event files of a folder; none when the folder does not exist."""
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.is_symlink())


def _is_affected(path: Path, numbers: ErasedNumbers) -> bool:
    """Whether the file holds a line to be dropped. It is not held in memory: it may be large."""
    try:
        return any(numbers.in_event(line) for line in spool.read_lines(path))
    except spool.TruncatedFile:
        return True
