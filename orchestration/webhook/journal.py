"""Appends webhook bodies to spool files, one per line, each synced before `append` returns."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import threading
import time
from pathlib import Path

from orchestration.ingest.whatsapp.spool import CLOSED, OPEN, sync_folder

_LARGEST_FILE = 64 << 20


class SpoolWriter:
    """Writes the open spool file of one receiver; several receivers may share the folder."""

    def __init__(self, folder: Path, largest_file: int = _LARGEST_FILE) -> None:
        self._folder, self._largest_file = folder, largest_file
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._descriptor = -1
        self._size = 0

    def append(self, body: bytes) -> None:
        """Append a body as one line; raise OSError, with nothing stored, when that fails.

        JSON has line ends only between tokens, where a space is equivalent.
        """
        line = body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._lock:
            if self._path is None:
                self._open()
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._descriptor, line[written:])
                os.fsync(self._descriptor)
            except OSError:
                # The next line must not follow a part of this one.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
                self._close()
                raise
            self._size += len(line)
            if self._size >= self._largest_file:
                self._close()

    def close_file(self) -> None:
        """Close the open file, so that the next load reads it; the next body opens a new one."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        while True:
            path = self._folder / f"{time.time_ns()}-{os.getpid()}{OPEN}"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                folder = self._folder.stat().st_mode
                if folder & stat.S_ISGID:
                    # A load under another account, of the folder's group, reads and redacts it.
                    os.fchmod(descriptor, 0o600 | folder & 0o060)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Between open and lock a load may have closed it as the file of a crashed writer.
                if path.exists():
                    sync_folder(self._folder)
                    self._path, self._descriptor, self._size = path, descriptor, 0
                    return
            except BlockingIOError:
                pass
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _close(self) -> None:
        """Close the file for loading, or delete it if it is empty."""
        if self._path is None:
            return
        path, self._path = self._path, None
        try:
            with contextlib.suppress(OSError):
                if self._size:
                    path.rename(path.with_suffix(CLOSED))
                    sync_folder(self._folder)
                else:
                    path.unlink()
        finally:
            os.close(self._descriptor)
