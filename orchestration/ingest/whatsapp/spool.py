"""The spool folder, in which webhook bodies wait as JSON lines to be loaded.

A file being written ends in `.part` and is locked by its writer; the file of a crashed writer is
unlocked and is closed by the next load. A load renames files to unique names, so that it archives
exactly what it has read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import os
import re
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from orchestration.files import open_regular

OPEN = ".part"
CLOSED = ".jsonl"
LOADED = "loaded"
IN_A_DELIVERY = ("whatsapp_events.jsonl", "whatsapp_events.jsonl.gz")

# Files of the receiver have unique names from the start (`journal.py`).
_OF_ITS_OWN = re.compile(rf"(.*\.)?[0-9]{{19}}-[0-9]+{re.escape(CLOSED)}(\.gz)?", re.DOTALL)
# A body has at most 3 MB; a longer line is not from the receiver and is read in pieces.
_LINE_LIMIT = 8 << 20
# The receiver closes its files at 64 MB.
LARGEST_FILE = 1 << 30  # bytes, decompressed
# Long enough to reload events that a database restored from a backup lacks.
_KEEP_LOADED_DAYS = 30


class TooLarge(OSError):
    """A gzip file with more than LARGEST_FILE bytes of content."""

    def __init__(self) -> None:
        super().__init__(errno.EFBIG, f"it has more than {LARGEST_FILE:,} bytes, decompressed")


class TruncatedFile(Exception):
    """A gzip file that is truncated or damaged."""


@dataclass(slots=True)
class ClaimedFiles:
    """The files that a load reads, and notices about those that it cannot read."""

    files: list[Path] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def leave(self, path: Path, error: OSError) -> None:
        """Leave a file that cannot be read, or not to its end, in the spool."""
        self.files = [file for file in self.files if file != path]
        self.notices.append(
            f"{path.name}: these WhatsApp events cannot be read: {error.strerror}. They wait in "
            f"{path.parent}, and are tried again at every load."
        )


def closed_files(folder: Path) -> list[Path]:
    """Return the files that are no longer written to, oldest first."""
    if not folder.is_dir():
        return []
    for path in folder.glob(f"*{OPEN}"):
        with contextlib.suppress(OSError):
            _close_orphan(path)
    return sorted(path for path in folder.iterdir() if path.name.endswith((CLOSED, f"{CLOSED}.gz")))


def claim_files(folder: Path) -> ClaimedFiles:
    """Claim the closed files for the load in progress, each under a unique name.

    A writer may reuse the old names at any time. After a failed load the claimed files are still in
    the spool. Errors become notices: WhatsApp events can wait, the delivery cannot.
    """
    taken = ClaimedFiles()
    try:
        waiting = closed_files(folder)
    except OSError as error:
        taken.leave(folder, error)
        return taken
    for path in waiting:
        try:
            with open_regular(path, LARGEST_FILE):
                taken.files.append(_taken(path))
        except OSError as error:
            taken.leave(path, error)
    return taken


def has_waiting_files(folder: Path) -> bool:
    """Return whether a load would claim a file or report an error."""
    try:
        return bool(closed_files(folder))
    except OSError:
        return True


def files_of_delivery(folder: Path) -> list[Path]:
    """Return the event files of a delivery folder."""
    return [folder / name for name in IN_A_DELIVERY if os.path.lexists(folder / name)]


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the non-empty lines of a file.

    Raises:
        TruncatedFile: A gzip file is truncated or damaged.
        OSError: The file cannot be read, is not a regular file, or is too large.
    """
    read = 0
    try:
        with open_regular(path, LARGEST_FILE) as stored, contextlib.ExitStack() as unzipping:
            file: BinaryIO = stored
            if path.name.endswith(".gz"):
                file = cast(BinaryIO, unzipping.enter_context(gzip.open(stored)))
            while line := file.readline(_LINE_LIMIT):
                read += len(line)
                if read > LARGEST_FILE:
                    raise TooLarge
                if line := line.strip():
                    yield line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TruncatedFile from None


def archive_files(folder: Path, files: Iterable[Path]) -> None:
    """Move loaded files to the archive folder, and delete files archived long ago.

    A file that cannot be moved is read again at the next load, where its events are already known.
    """
    loaded = folder / LOADED
    with contextlib.suppress(OSError):
        for path in files:
            loaded.mkdir(mode=0o700, exist_ok=True)
            os.utime(move_file(path, loaded))
        if loaded.is_dir():
            sync_folder(loaded)
            sync_folder(folder)
        oldest = time.time() - _KEEP_LOADED_DAYS * 86_400
        for path in loaded.glob("*"):
            if path.stat().st_mtime < oldest:
                path.unlink()


def move_file(path: Path, folder: Path) -> Path:
    """Move a file into a folder without overwriting; return its new path."""
    to = folder / path.name
    if to.exists():
        to = folder / f"{_stamp()}.{path.name}"
    return path.rename(to)


def sync_folder(folder: Path) -> None:
    """Sync the folder, so that created and renamed files survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> Path:
    """Rename a file to a unique name; where that is not permitted, use it as it is."""
    if _OF_ITS_OWN.fullmatch(path.name):
        return path
    name, dot, ending = path.name.rpartition(CLOSED)
    with contextlib.suppress(OSError):
        return path.rename(path.with_name(f"{name}.{_stamp()}{dot}{ending}"))
    return path


def _stamp() -> str:
    return f"{time.time_ns()}-{os.getpid()}"


def _close_orphan(path: Path) -> None:
    try:
        file = open_regular(path, sys.maxsize)
    except FileNotFoundError:
        return  # closed by its writer in the meantime
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if path.exists():
            path.rename(path.with_suffix(CLOSED))
