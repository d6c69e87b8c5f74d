"""The watched folder: which delivery folders in it are complete.

A delivery is complete when its `manifest.json` is there and every file it names has the size it
says. The manifest is written last, so a folder still being copied is not taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

MANIFEST = "manifest.json"


def complete_deliveries(inbox: Path) -> Iterator[tuple[Path, str]]:
    """Each complete delivery folder of the inbox, by name, with a key that names its content."""
    if not inbox.is_dir():
        return
    for folder in sorted(path for path in inbox.iterdir() if path.is_dir()):
        try:
            manifest = (folder / MANIFEST).read_bytes()
            files = json.loads(manifest)["files"]
            whole = all((folder / f["name"]).stat().st_size == f["bytes"] for f in files)
        except (OSError, ValueError, KeyError, TypeError):
            # Not there yet, or still being written: the next look will tell.
            continue
        if whole:
            yield folder, f"{folder.name}-{hashlib.sha256(manifest).hexdigest()[:16]}"
