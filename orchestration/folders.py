"""Folders and files of one account: whether a folder is its alone, and writing a file whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_ONLY_OWNER = 0o700


def privacy_fault(folder: Path, owner: int) -> str:
    """Say why a folder is not one account's alone; empty when it is.

    In a world-writable folder, any account can create a folder or a link of an expected name first.
    Those with the sticky bit, such as /tmp, are accepted as parents of a folder that is the
    account's already.

    Args:
        folder: An existing folder.
        owner: The user id of the account.

    Returns:
        What is wrong, to be put behind the folder's name in a message.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "is a link or a file, not a folder"
    if found.st_uid != owner:
        return "belongs to another account"
    if stat.S_IMODE(found.st_mode) != _ONLY_OWNER:
        return f"has the mode {stat.S_IMODE(found.st_mode):04o}, not 0700"
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"is below {parent}, which every account may write to"
    return ""


def write_whole(path: Path, text: str, mode: int) -> None:
    """Write a file under another name, then rename it: it is never there in part.

    Args:
        path: The file; its folder belongs to this account.
        text: Its content.
        mode: Its permissions.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    fresh.replace(path)
