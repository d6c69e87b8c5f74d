"""Lists the delivery folders of the inbox and whether each is complete.

A delivery is complete when its `manifest.json` is present and every listed file has its listed
size. The inbox belongs to the sender: nothing in it is moved or deleted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from orchestration.ingest.contract import MANIFEST
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.manifest import BadManifest, manifest_differences, read_manifest

_SHOWN = 5  # differences of one folder
_LARGEST_FOLDER = 1_000  # files whose times are looked at


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
    def name(self) -> str:
        """The folder's name as it may be printed and stored."""
        return self.path.name if self.path.name.isprintable() else ascii(self.path.name)

    @property
    def complete(self) -> bool:
        """Whether the folder may be loaded."""
        return self.manifest is not None and not self.lacks

    @property
    def content(self) -> tuple[str, str | None, datetime]:
        """Arguments by which the ledger recognises the delivery (`is_known_delivery`)."""
        return str(self.path), self.manifest, self.changed_at


def inbox_folders(inbox: Path) -> Iterator[InboxFolder]:
    """Yield each folder of the inbox by name, except hidden ones, which are still being written.

    Whatever cannot be read is yielded as incomplete, since it must not hide the other folders. An
    inbox that does not exist has no folders; raise OSError when it cannot be listed.
    """
    try:
        shown = (path for path in inbox.iterdir() if not path.name.startswith("."))
        # A link is not followed to find out whether it leads to a folder: that may fail.
        found = sorted(path for path in shown if path.is_symlink() or path.is_dir())
    except FileNotFoundError:
        return
    for path in found:
        try:
            yield _look(path)
        except FileNotFoundError:
            continue  # removed in the meantime
        except OSError as error:
            yield _unusable(path, f"it cannot be read: {error.strerror}")


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
    if path.is_symlink():
        return _unusable(path, "it is a link, and links are not followed")
    if not path.name.isprintable():
        return _unusable(path, "its name is no printable text")
    try:
        manifest = read_manifest(path)
        differing = manifest_differences(path, manifest) if manifest else [f"{MANIFEST}: missing"]
        lacks = list(islice(differing, _SHOWN + 1))
    except BadManifest as bad:
        manifest, lacks = None, [str(bad)]
    if len(lacks) > _SHOWN:
        lacks[_SHOWN] = "and more"
    found = [path.lstat()]
    with contextlib.suppress(OSError):  # `lacks` already gives the reason
        found += [file.lstat() for file in islice(path.iterdir(), _LARGEST_FOLDER)]
    return InboxFolder(
        path,
        manifest.key if manifest else None,
        tuple(lacks),
        written_at=datetime.fromtimestamp(max(one.st_mtime for one in found), UTC),
        changed_at=datetime.fromtimestamp(max(one.st_ctime for one in found), UTC),
    )


def _unusable(path: Path, why: str) -> InboxFolder:
    found = path.lstat()
    return InboxFolder(
        path,
        None,
        (why,),
        written_at=datetime.fromtimestamp(found.st_mtime, UTC),
        changed_at=datetime.fromtimestamp(found.st_ctime, UTC),
    )
