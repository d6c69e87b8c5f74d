"""Lists the delivery folders of the inbox and whether each is complete.

A delivery is complete when its `manifest.json` is present and every listed file has its listed
size. The inbox belongs to the sender: nothing in it is moved or deleted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.ingest.contract import MANIFEST
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.manifest import BadManifest, manifest_differences, read_manifest


@dataclass(frozen=True, slots=True)
class InboxFolder:
    """A folder of the inbox, the key of its manifest, and what it still lacks.

    `written_at` is the latest modification time. `changed_at` is the latest inode change, which
    also advances when a copy preserves older modification times.
    """

    path: Path
    manifest: str | None
    lacks: tuple[str, ...]
    written_at: datetime
    changed_at: datetime

    @property
    def complete(self) -> bool:
        """Whether the folder may be loaded."""
        return self.manifest is not None and not self.lacks

    @property
    def content(self) -> tuple[str, str | None, datetime]:
        """Arguments by which the ledger recognises the delivery (`is_known_delivery`)."""
        return str(self.path), self.manifest, self.changed_at


def inbox_folders(inbox: Path) -> Iterator[InboxFolder]:
    """Yield each folder of the inbox by name, except hidden ones, which are still being written."""
    try:
        found = sorted(p for p in inbox.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return
    for path in found:
        try:
            yield _look(path)
        except FileNotFoundError:
            continue  # removed in the meantime


def named_folder(inbox: Path, name: str) -> Path:
    """Return the folder of the inbox with this name. Raises DeliveryRefused if there is none."""
    path = next((found.path for found in inbox_folders(inbox) if found.path.name == name), None)
    if path is None or path.is_symlink():
        # The name is not repeated: it may be a URL with a password.
        raise DeliveryRefused(
            f"The run names a folder that is not in the inbox, {inbox}. Nothing was loaded; the "
            "state before stays. A run in Dagster loads a folder of the inbox or the source of the "
            "settings; `atendimento run --source` loads any other."
        )
    return path


def _look(path: Path) -> InboxFolder:
    try:
        manifest = read_manifest(path)
        lacks = list(manifest_differences(path, manifest)) if manifest else [f"{MANIFEST}: missing"]
    except BadManifest as bad:
        manifest, lacks = None, [str(bad)]
    found = [path.stat()]
    with contextlib.suppress(OSError):  # `lacks` already gives the reason
        found += [file.stat() for file in path.iterdir()]
    return InboxFolder(
        path,
        manifest.key if manifest else None,
        tuple(lacks),
        written_at=datetime.fromtimestamp(max(one.st_mtime for one in found), UTC),
        changed_at=datetime.fromtimestamp(max(one.st_ctime for one in found), UTC),
    )
