"""Editions: whole sets of pages side by side, and the link that says which one is read.

Belongs here: the publish folder, switching its link, and removing what is old. Does not: what is
in a page. A reader follows `current`, which always leads to a whole edition; an edition being
written has a name of its own and nobody is led there. One writer at a time: the run's lock.

    <publish folder>/current -> editions/<name>
    <publish folder>/editions/<name>/
    <publish folder>/editions/<name>.partial/    being written, or left by a writer that died
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

OWNER_ONLY_FOLDER = 0o700
OWNER_ONLY_FILE = 0o600

_CURRENT = "current"
_EDITIONS = "editions"
_PARTIAL = ".partial"
_NEW_LINK = ".current.new"


class PublishError(Exception):
    """The pages could not be published; the message says what stands and what to do."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One set of pages: the instant that it shows, and the group's time zone for its index."""

    as_of: datetime
    timezone: str = "America/Sao_Paulo"


def prepare(publish_dir: Path, name: str) -> Path:
    """Make the empty folder of a new edition; remove what a writer that died left behind.

    Raises PublishError when the name is taken or the folder cannot be made.
    """
    editions = publish_dir / _EDITIONS
    with told(editions, "made ready for a new edition"):
        if not publish_dir.exists():
            publish_dir.mkdir(parents=True, mode=OWNER_ONLY_FOLDER)
        editions.mkdir(exist_ok=True, mode=OWNER_ONLY_FOLDER)
        editions.chmod(OWNER_ONLY_FOLDER)
        (publish_dir / _NEW_LINK).unlink(missing_ok=True)
        for leftover in editions.glob(f"*{_PARTIAL}"):
            shutil.rmtree(leftover)
        if _whole(publish_dir, name).exists():
            raise PublishError(
                f"The edition {name} is already in {editions}; an edition is never written over. "
                "Nothing was changed. Use another name, or activate the one that is there."
            )
        partial = editions / f"{name}{_PARTIAL}"
        partial.mkdir(mode=OWNER_ONLY_FOLDER)
    return partial


def activate(publish_dir: Path, name: str) -> Path:
    """Lead readers to that edition, in one step; return its folder.

    Works again for an edition that is already whole: after an interruption, or to go back.
    """
    editions = publish_dir / _EDITIONS
    partial, whole = editions / f"{name}{_PARTIAL}", _whole(publish_dir, name)
    with told(publish_dir / _CURRENT, f"led to the edition {name}"):
        if partial.is_dir():
            partial.rename(whole)
        elif not whole.is_dir():
            raise PublishError(
                f"There is no edition {name} in {editions}. Nothing was changed. "
                "Run again to write one."
            )
        new_link = publish_dir / _NEW_LINK
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(Path(_EDITIONS) / name, target_is_directory=True)
        os.replace(new_link, publish_dir / _CURRENT)
    return whole


def withdraw(publish_dir: Path) -> None:
    """Lead readers nowhere: what undoes the activation of a very first edition."""
    with told(publish_dir / _CURRENT, "withdrawn"):
        (publish_dir / _CURRENT).unlink(missing_ok=True)


def current(publish_dir: Path) -> Path | None:
    """The folder of the edition that is read now; None when there is none yet."""
    link = publish_dir / _CURRENT
    return link.resolve() if link.is_dir() else None


def prune(publish_dir: Path, keep: int) -> list[str]:
    """Remove old editions but the newest `keep` and the current one; return their names."""
    editions = publish_dir / _EDITIONS
    removed = []
    with told(editions, "cleared of old editions"):
        shown = current(publish_dir)
        folders = [
            folder
            for folder in editions.iterdir()
            if folder.is_dir() and folder.suffix != _PARTIAL and folder.resolve() != shown
        ]
        folders.sort(key=lambda folder: (folder.stat().st_mtime_ns, folder.name), reverse=True)
        for folder in folders[max(keep - 1, 0) :]:
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed


@contextmanager
def told(place: Path, what: str) -> Iterator[None]:
    """Turn a refusal of the file system into a message for a person."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{place} could not be {what}: {error.strerror or error}. "
            "The pages published before are as they were. "
            "Check the folder's space and rights (ATENDIMENTO_PUBLISH_DIR), then run again."
        ) from error


def _whole(publish_dir: Path, name: str) -> Path:
    return publish_dir / _EDITIONS / name
