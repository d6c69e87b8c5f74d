"""Writes a demo's files into a temporary folder, which is renamed when complete.

The manifest is written last and lists every file with its size, rows and SHA-256, so a folder with
a manifest is a complete delivery.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from orchestration.errors import UsageError, UserError
from orchestration.ingest.contract import DEMO_GENERATOR, MANIFEST, SOURCE_TABLES


class DemoError(UsageError):
    """The arguments or the folder are not valid for a demo; nothing was changed."""


class DemoNotWritten(UserError):
    """A demo could not be written, for lack of disk space or permission."""


class _File:
    """A table's file, with buffered rows."""

    def __init__(self, folder: Path, table: str, header: str) -> None:
        self.name = f"{table}.csv"
        self.rows: list[str] = []
        self.written = 0
        self.size = 0
        self.digest = hashlib.sha256()
        self.handle: BinaryIO = (folder / self.name).open("xb")
        self._write(header.encode())

    def flush(self) -> None:
        """Write the buffered rows."""
        self._write("".join(self.rows).encode())
        self.written += len(self.rows)
        self.rows.clear()

    def _write(self, data: bytes) -> None:
        self.handle.write(data)
        self.digest.update(data)
        self.size += len(data)


class DeliveryFiles:
    """The open files of a delivery, one for each table of the source contract."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, _File] = {}

    def __enter__(self) -> DeliveryFiles:
        for table in SOURCE_TABLES:
            header = ",".join(column.name for column in table.columns) + "\n"
            self.files[table.name] = _File(self.folder, table.name, header)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self.files.values():
            file.handle.close()

    def rows(self, table: str) -> list[str]:
        """Return the buffer of a table; each row is a line with the contract's columns in order."""
        return self.files[table].rows

    def flush(self) -> None:
        """Write the buffered rows, so that memory use stays constant."""
        for file in self.files.values():
            file.flush()

    def finish(self, facts: dict[str, object]) -> None:
        """Write the buffered rows and the manifest, which also contains `facts`."""
        self.flush()
        listed = []
        for file in self.files.values():
            file.handle.close()
            listed.append(
                {
                    "name": file.name,
                    "bytes": file.size,
                    "rows": file.written,
                    "sha256": file.digest.hexdigest(),
                }
            )
        manifest = {"generator": DEMO_GENERATOR, **facts, "files": listed}
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Create a hidden sibling folder that replaces `folder` on success.

    Raises:
        DemoError: `folder` holds something other than an earlier demo, before or after the writing.
        DemoNotWritten: The files cannot be written.
    """
    folder = folder.absolute()
    if folder.is_symlink():
        folder = folder.resolve()
    _refuse_foreign(folder)
    making = folder.parent / f".{folder.name}.making-{os.getpid()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir()
        yield making
        _refuse_foreign(folder)
        _put_in_place(making, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DemoNotWritten(
            f"The demo could not be written to {folder}: {reason}. Nothing was changed; "
            "free some space or name another folder."
        ) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _put_in_place(making: Path, folder: Path) -> None:
    """Rename the finished folder; an earlier demo is moved away first and then deleted."""
    if not folder.exists() or not any(folder.iterdir()):
        making.rename(folder)
        return
    aside = folder.parent / f".{folder.name}.replaced-{os.getpid()}"
    folder.rename(aside)
    try:
        making.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _refuse_foreign(folder: Path) -> None:
    """Raise DemoError if the folder holds anything but an earlier demo."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DemoError(
            f"{folder} is a file, not a folder; it was left as it was. Name another one."
        )
    present = {path.name for path in folder.iterdir()}
    if not present:
        return
    foreign = sorted(present - _files_of_demo(folder))
    if foreign:
        raise DemoError(
            f"{folder} is not empty and holds a file that no demo wrote ({foreign[0]}); "
            "it was left as it was. Name an empty or new folder, or empty this one yourself."
        )


def _files_of_demo(folder: Path) -> set[str]:
    """The files listed by the manifest of an earlier demo; none without such a manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["generator"] != DEMO_GENERATOR:
            return set()
        return {MANIFEST, *(file["name"] for file in manifest["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
