"""Instants as people write them, and as they are printed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def parse_as_of(text: str) -> datetime:
    """ISO 8601 with an offset. Raises ValueError, with a sentence, for anything else."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not an instant: write it as 2026-11-20T12:00:00-03:00"
        ) from error
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset: write it as {text}-03:00 or {text}Z")
    return instant


def format_instant(instant: datetime, timezone: str) -> str:
    """An instant for a person, to the second, in a time zone of the IANA."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}"


def iso_instant(instant: datetime, timezone: str) -> str:
    """An instant for a program: ISO 8601 to the second, with the offset of the time zone."""
    return instant.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")
