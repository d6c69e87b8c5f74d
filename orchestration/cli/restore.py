"""`atendimento restore`: put a backup in the place of the present state."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of one backup.")],
    without_key: Annotated[
        bool,
        typer.Option(
            "--without-erasure-key",
            help="The key of erased numbers is lost: recognize erased clients by their ids only.",
        ),
    ] = False,
) -> None:
    """Put a backup in the place of the present state."""
    from orchestration.backup import restore
    from orchestration.runs.as_of import format_instant
    from orchestration.settings import load_settings

    settings = load_settings()
    began = time.monotonic()
    done = restore.restore_backup(settings, folder.expanduser().absolute(), without_key=without_key)
    made_at = format_instant(done.made_at, settings.group_timezone)
    print(f"{done.rows:,} rows as of {made_at}, made by version")
    print(f"{done.program}, restored in {time.monotonic() - began:.1f} s. All users sign in again.")
    if done.events:
        print(f"Files of WhatsApp events that wait for the next run: {done.events}")
    if done.erased:
        print(f"Clients erased since, and now erased again: {done.erased}. Nothing is shown until")
        print("a run has published.")
    print(f"The state before stays as the database {done.former} until the next restore.")
    print("Restored. Now load what came since, and write the pages: `atendimento run`.")
