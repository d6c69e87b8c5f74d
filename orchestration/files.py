"""Opens files that others write: regular files of bounded size, never a link, FIFO or device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_BUFFER = 1 << 17
_NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)


def regular_file_size(path: Path, *, follow: bool = False) -> int:
    """Return the size of a regular file.

    Args:
        path: The file.
        follow: Whether the file may be a symbolic link, as a file of the operator's own may.

    Returns:
        Its size in bytes.

    Raises:
        OSError: It does not exist, or is not a regular file.
    """
    return _size(path.stat() if follow else path.lstat(), path)


def open_regular(path: Path, largest: int, *, follow: bool = False) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        path: The file.
        largest: The greatest size accepted, in bytes.
        follow: Whether the file may be a symbolic link.

    Returns:
        The open file.

    Raises:
        OSError: It cannot be opened, is not a regular file, or is larger. `strerror` tells which.
    """
    # Opening a device may already have an effect, so the kind is asked for before and, since the
    # file may have been replaced, after.
    regular_file_size(path, follow=follow)
    mode = os.O_RDONLY | _NOT_WAITING | (0 if follow else _NOT_FOLLOWED)
    descriptor = os.open(path, mode | getattr(os, "O_BINARY", 0))
    try:
        if (size := _size(os.fstat(descriptor), path)) > largest:
            raise OSError(
                errno.EFBIG, f"it has {size:,} bytes, and at most {largest:,} are read", str(path)
            )
        return os.fdopen(descriptor, "rb", _BUFFER)
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, largest: int, *, follow: bool = False) -> bytes:
    """Return the content of a regular file, which has at most `largest` bytes.

    Args:
        path: The file.
        largest: The greatest size accepted, in bytes.
        follow: Whether the file may be a symbolic link.

    Returns:
        Its content.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger.
    """
    with open_regular(path, largest, follow=follow) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"it grew beyond {largest:,} bytes", str(path))
    return content


def _size(found: os.stat_result, path: Path) -> int:
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a link, and links are not followed", str(path))
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))
