"""The folder in which webhook bodies wait as JSON lines, and what a file of them is.

A file still written to ends in `.part` and its writer holds a lock on it; a writer that died holds
none, and its file is closed for it. What a load takes has a name that nobody gives twice, so that
it puts away what it has read.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

OPEN = ".part"
CLOSED = ".jsonl"
LOADED = "loaded"
IN_A_DELIVERY = ("whatsapp_events.jsonl", "whatsapp_events.jsonl.gz")

# A receiver's own files are called so from the start (`journal.py`).
_OF_ITS_OWN = re.compile(rf"(.*\.)?[0-9]{{19}}-[0-9]+{re.escape(CLOSED)}(\.gz)?", re.DOTALL)
# A body has at most 3 MB; what is longer is no line of ours, and is read in pieces.
_LINE_LIMIT = 8 << 20
# Long enough to load again what a database restored from a backup no longer has.
_KEEP_LOADED_DAYS = 30


class TruncatedFile(Exception):
    """A gzip file that ends too early, or is damaged."""


@dataclass(slots=True)
class ClaimedFiles:
    """The files that a load takes, and what it says of those that it has to leave."""

    files: list[Path] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def leave(self, path: Path, error: OSError) -> None:
        """A file that cannot be read, or not to its end, stays where it is."""
        self.files = [file for file in self.files if file != path]
        self.notices.append(
            f"{path.name}: these WhatsApp events cannot be read: {error.strerror}. They wait in "
            f"{path.parent}, and are tried again at every load."
        )


def closed_files(folder: Path) -> list[Path]:
    """The files that nobody writes to any more, oldest first; none when there is no folder."""
    if not folder.is_dir():
        return []
    for path in folder.glob(f"*{OPEN}"):
        with contextlib.suppress(OSError):
            _close_orphan(path)
    return sorted(path for path in folder.iterdir() if path.name.endswith((CLOSED, f"{CLOSED}.gz")))


def claim_files(folder: Path) -> ClaimedFiles:
    """The closed files, for the one load that there is, each under a name of its own.

    Whoever writes here may put another file under the name that one had, now or later. A load that
    fails leaves what it took where every load looks. Nothing here stops a load: what WhatsApp said
    can wait, what the CRM delivers cannot.
    """
    taken = ClaimedFiles()
    try:
        waiting = closed_files(folder)
    except OSError as error:
        taken.leave(folder, error)
        return taken
    for path in waiting:
        try:
            with path.open("rb"):
                taken.files.append(_taken(path))
        except OSError as error:
            taken.leave(path, error)
    return taken


def has_waiting_files(folder: Path) -> bool:
    """Whether a load would take something, or say why it cannot."""
    try:
        return bool(closed_files(folder))
    except OSError:
        return True


def files_of_delivery(folder: Path) -> list[Path]:
    """The webhook bodies that a delivery folder holds."""
    return [folder / name for name in IN_A_DELIVERY if (folder / name).is_file()]


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines with something on them; CutOff where a gzip file can be read no further, OSError
    where any other.
    """
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            while line := file.readline(_LINE_LIMIT):
                if line := line.strip():
                    yield line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TruncatedFile from None


def archive_files(folder: Path, files: Iterable[Path]) -> None:
    """Move loaded files aside, and forget those put away long ago.

    A file that cannot be moved is read again at the next load, which knows its events.
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
    """Move a file into a folder of ours, over none that is there; where it is now."""
    to = folder / path.name
    if to.exists():
        to = folder / f"{_stamp()}.{path.name}"
    return path.rename(to)


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> Path:
    """Where it may not be renamed it is taken as it is, and cannot be put away either."""
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
        file = path.open("rb")
    except FileNotFoundError:
        return  # its writer has just closed it
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if path.exists():
            path.rename(path.with_suffix(CLOSED))
