"""Parameters that several commands share, and what every command prints with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from orchestration.settings import Settings


def _instant(text: str) -> datetime:
    from orchestration.runs.as_of import parse_as_of

    try:
        return parse_as_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 — a date has no zone
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date: write it as 2026-11-20") from error


INSTANT: dict[str, Any] = {"parser": _instant, "metavar": "INSTANT"}
DATE: dict[str, Any] = {"parser": _date, "metavar": "DATE"}

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", help="ISO 8601 with an offset; default: now.", **INSTANT),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object to stdout, and nothing else there.")
]
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)]


def renamed(old: str, new: str) -> Callable[[bool], bool]:
    """The callback of a hidden option that works for one release under its old name."""

    def warn(given: bool) -> bool:
        if given:
            warn_renamed(old, new)
        return given

    return warn


def warn_renamed(old: str, new: str) -> None:
    """Say that a name is going to be removed."""
    print(f"Warning: {old} is now {new}; the old name goes with the next release.", file=sys.stderr)


def show_progress(settings: Settings) -> None:
    """Show the stages of the work on stderr: live on a terminal, else as log lines."""
    from orchestration import logs

    logs.show_progress(settings.log_format)
    if settings.log_format == "text" and sys.stderr.isatty():
        from orchestration.cli.progress_bar import show_live_progress

        show_live_progress()


def print_json(value: object) -> None:
    """Print an object as JSON, for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2), flush=True)
