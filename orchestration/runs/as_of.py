"""Instants as people write them on the command line and in a run's configuration."""

from __future__ import annotations

from datetime import datetime


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
