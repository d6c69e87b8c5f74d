"""Describes an error that no command foresaw, without the values it was raised for."""

from __future__ import annotations

import traceback
from pathlib import Path

from orchestration.settings import ROOT


def describe_error(error: Exception) -> str:
    """Say what happened and what to do next, in lines of which the last stands by itself.

    Messages of other libraries may quote rows, which are personal data: of an error of the program
    only its type and its place are told.
    """
    from orchestration.runs.failures import DATABASE_AWAY, DISK_FULL, failure_of

    failure = failure_of(error)
    if failure and failure.reason:
        return failure.reason
    if failure and failure.kind == DISK_FULL:
        return (
            "The disk of the database is full. What was under way there was undone. Make room, "
            "then run the same command again."
        )
    if failure and failure.kind == DATABASE_AWAY:
        return (
            "The database ended the connection, or could not be reached any more. What was under "
            "way there was undone. Run the same command again once it answers "
            "(`atendimento doctor`)."
        )
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return (
            f"{error.filename}: {error.strerror}. What was done before that stays. Put it right, "
            "then run the same command again."
        )
    places = [
        f"  {Path(frame.filename).relative_to(ROOT)}, line {frame.lineno}, in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    return "\n".join(
        [
            f"{type(error).__name__} in",
            *places,
            "That is a fault of the program. What was done before it stays. Run the same command "
            "again; if it fails again, report the lines above.",
        ]
    )
