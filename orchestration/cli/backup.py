"""`atendimento backup`: back up what no run can make again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def backup(
    folder: Annotated[
        Path | None, typer.Argument(help="Where backups are kept; default: HOME/backups.")
    ] = None,
) -> None:
    """Back up what no run can make again."""
    from orchestration.backup import create
    from orchestration.settings import load_settings

    began = time.monotonic()
    made = create.create_backup(load_settings(), folder and folder.expanduser().absolute())
    rows = sum(made.manifest.rows.values())
    print(f"{rows:,} rows, {made.bytes / 2**20:,.1f} MB, {time.monotonic() - began:.1f} s")
    if made.removed:
        print(f"Older backups removed: {made.removed} (ATENDIMENTO_BACKUP_RETENTION_COUNT)")
    print(f"Backed up. It holds personal data; keep a copy elsewhere: {made.folder}")
