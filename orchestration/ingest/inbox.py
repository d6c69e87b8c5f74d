"""The watched folder: which delivery folders are in it, and which of them are complete.

A delivery is complete when its `manifest.json` is there and every file it names has the size it
says. The manifest is written last, so a folder still being copied is not taken. Nothing is moved or
removed here: the inbox is the sender's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.ingest.contract import MANIFEST
from orchestration.ingest.manifest import BadManifest, manifest_differences, read_manifest


@dataclass(frozen=True, slots=True)
class InboxFolder:
    """A folder of the inbox: `manifest` names its content, `lacks` what is not there yet.

    `written_at`: when something was last written to it. `changed_at`: when it was last changed
    here, which a copy that keeps its sender's older times does not say by the first.
    """

    path: Path
    manifest: str | None
    lacks: tuple[str, ...]
    written_at: datetime
    changed_at: datetime

    @property
    def complete(self) -> bool:
        """Whether it may be loaded."""
        return self.manifest is not None and not self.lacks

    @property
    def content(self) -> tuple[str, str | None, datetime]:
        """What the ledger knows a delivery by."""
        return str(self.path), self.manifest, self.changed_at


def inbox_folders(inbox: Path) -> Iterator[InboxFolder]:
    """Each folder of the inbox, by name; hidden ones are being made."""
    try:
        found = sorted(p for p in inbox.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return
    for path in found:
        try:
            yield _look(path)
        except FileNotFoundError:
            continue  # taken away meanwhile


def _look(path: Path) -> InboxFolder:
    try:
        manifest = read_manifest(path)
        lacks = list(manifest_differences(path, manifest)) if manifest else [f"{MANIFEST}: missing"]
    except BadManifest as bad:
        manifest, lacks = None, [str(bad)]
    found = [path.stat()]
    with contextlib.suppress(OSError):  # what it lacks tells why it is not taken
        found += [file.stat() for file in path.iterdir()]
    return InboxFolder(
        path,
        manifest.key if manifest else None,
        tuple(lacks),
        written_at=datetime.fromtimestamp(max(one.st_mtime for one in found), UTC),
        changed_at=datetime.fromtimestamp(max(one.st_ctime for one in found), UTC),
    )
