"""Editions: complete sets of pages side by side, and the `current` link to the one being read.

    <publish folder>/current -> <name>
    <publish folder>/<name>/
    <publish folder>/<name>.partial/    being written, or left by a crashed run

`current` always leads to a complete edition. There is one writer at a time (the run lock). Editions
are direct children of the publish folder so that relative links work both through `current` and
through an edition's name. Other files in the folder are never touched: editions are recognized by
the format of their names.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

OWNER_ONLY_FOLDER = 0o700
OWNER_ONLY_FILE = 0o600
_SHARED = stat.S_ISGID | 0o050
CURRENT = "current"
FACTS = "edition.json"
BEFORE_0_2_0 = "editions"  # the editions folder of version 0.1.0; never read or removed

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z-[\w-]{1,40}", re.ASCII)
_PARTIAL = ".partial"
_NEW_LINK = ".current.new"


class PublishError(Exception):
    """The pages could not be published; the message says what state they are in and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The facts about one set of pages, stored in its `edition.json`.

    Attributes:
        as_of: The time that the run computed for.
        generated_at: When the pages were written.
        run_id: The run that wrote them.
        timezone: The group's time zone.
        stale_hours: How many hours old the data may be.
        stale_hours_by_company: Overrides of `stale_hours`, by company id.
        fingerprint: The hash of the published tables.
        next_expected: When the next edition is due, if known. After that time, a page that is still
            current is shown as late.
        policy: The content security policy of its pages.
    """

    as_of: datetime
    generated_at: datetime
    run_id: str
    timezone: str = "America/Sao_Paulo"
    stale_hours: float = 24
    stale_hours_by_company: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    next_expected: datetime | None = None
    policy: str = ""

    def stale_hours_of(self, company_id: str) -> float:
        """Return how many hours old a company's data may be."""
        return self.stale_hours_by_company.get(company_id, self.stale_hours)


_AS_JSON = TypeAdapter(Edition)


def write_facts(folder: Path, edition: Edition) -> None:
    """Write `edition.json`, from which the lookup server renders the pages of the edition."""
    with publish_errors(folder / FACTS, "written; the new edition was removed"):
        handle = os.open(folder / FACTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
        with open(handle, "wb") as file:
            file.write(_AS_JSON.dump_json(edition, indent=1))


def read_facts(folder: Path) -> Edition | None:
    """Read the facts of an edition; None if another version of the program wrote the folder."""
    try:
        return _AS_JSON.validate_json((folder / FACTS).read_bytes())
    except (OSError, ValidationError):
        return None


@dataclass(frozen=True, slots=True)
class EditionFolder:
    """A complete edition in the publish folder: its as_of and when it was written."""

    name: str
    as_of: datetime
    made_at: datetime


def edition_name(as_of: datetime, run_id: str) -> str:
    """Return a name that sorts by as_of and is unique to the run."""
    return f"{as_of.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{run_id[:8]}"


def create_edition_folder(publish_dir: Path, name: str) -> Path:
    """Create the empty folder of a new edition, after removing partial editions of crashed runs.

    Raises PublishError when the name is taken or the folder cannot be created, ValueError when the
    name is not in the format of `edition_name`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an edition")
    with publish_errors(publish_dir, "prepared for a new edition"):
        if not publish_dir.exists():
            publish_dir.mkdir(parents=True, mode=OWNER_ONLY_FOLDER)
        (publish_dir / _NEW_LINK).unlink(missing_ok=True)
        _remove_partial(publish_dir)
        if (publish_dir / name).exists():
            raise PublishError(
                f"The edition {name} already exists in {publish_dir}; editions are never "
                "overwritten. Nothing was changed. Use another name, or activate that edition."
            )
        partial = publish_dir / f"{name}{_PARTIAL}"
        partial.mkdir(mode=OWNER_ONLY_FOLDER)
    return partial


def activate_edition(publish_dir: Path, name: str) -> Path:
    """Point `current` at an edition, in one atomic step, and return the edition's folder.

    May be repeated for an edition that is already complete: after an interruption, or to roll back.
    """
    partial, whole = publish_dir / f"{name}{_PARTIAL}", publish_dir / name
    with publish_errors(publish_dir / CURRENT, f"switched to the edition {name}"):
        if partial.is_dir():
            share_with_group(partial, publish_dir)
            partial.rename(whole)
        elif not whole.is_dir():
            raise PublishError(
                f"There is no edition {name} in {publish_dir}. Nothing was changed. "
                "Run again to write one."
            )
        new_link = publish_dir / _NEW_LINK
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(name, target_is_directory=True)
        os.replace(new_link, publish_dir / CURRENT)
    return whole


def share_with_group(path: Path, publish_dir: Path) -> None:
    """Let the group of a publish folder with the setgid bit read a file, or a whole folder.

    Such a folder belongs to the group of another account, which serves the lookup page.
    """
    if publish_dir.stat().st_mode & _SHARED != _SHARED:
        return
    for each in (path, *path.rglob("*")):
        # Without the setgid bit, which a hardened service may not set.
        each.chmod(each.stat().st_mode & 0o777 | (0o050 if each.is_dir() else 0o040))


def withdraw_current(publish_dir: Path) -> None:
    """Remove the `current` link, to undo the activation of the first edition."""
    with publish_errors(publish_dir / CURRENT, "removed"):
        (publish_dir / CURRENT).unlink(missing_ok=True)


def current_edition(publish_dir: Path) -> Path | None:
    """Return the folder of the current edition, or None."""
    link = publish_dir / CURRENT
    return link.resolve() if link.is_dir() else None


def list_editions(publish_dir: Path) -> list[EditionFolder]:
    """List the complete editions, the most recently written first."""
    found = [
        EditionFolder(
            folder.name,
            datetime.strptime(folder.name[:18], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC),
            datetime.fromtimestamp(folder.stat().st_mtime, UTC),
        )
        for folder in publish_dir.iterdir()
        if _NAME.fullmatch(folder.name) and folder.is_dir()
    ]
    return sorted(found, key=lambda edition: (edition.made_at, edition.name), reverse=True)


def prune_editions(publish_dir: Path, *, newest: int, days: int, now: datetime) -> list[str]:
    """Remove editions past their retention.

    Args:
        publish_dir: The publish folder.
        newest: How many of the most recently written editions to retain.
        days: For how many days after writing to retain the last edition of each as_of date; 0 for
            none.
        now: The current time; its time zone determines the dates.

    Returns:
        The names of the removed editions. The current edition is never removed.

    Raises:
        PublishError: The file system refused an operation.
    """
    removed = []
    left = "No page that is being read has changed; some old editions may be gone."
    with publish_errors(publish_dir, "cleared of old editions", left):
        shown = current_edition(publish_dir)
        dates: set[date] = set()
        for place, edition in enumerate(list_editions(publish_dir)):
            day = edition.as_of.astimezone(now.tzinfo).date()
            recent = days > 0 and edition.made_at >= now - timedelta(days=days)
            last_of_its_date = day not in dates and recent
            dates.add(day)
            folder = publish_dir / edition.name
            if place < newest or last_of_its_date or folder.resolve() == shown:
                continue
            # Renamed first, so that a crash leaves a partial edition, which the next run removes.
            going = publish_dir / f"{edition.name}{_PARTIAL}"
            folder.rename(going)
            shutil.rmtree(going)
            removed.append(edition.name)
    return removed


def remove_all_editions(publish_dir: Path) -> int:
    """Remove the `current` link and every edition, partial ones included; return how many."""
    withdraw_current(publish_dir)
    left = "Nobody is shown its pages any more; some of them are still there."
    with publish_errors(publish_dir, "cleared of editions", left):
        if not publish_dir.is_dir():
            return 0
        partial = _remove_partial(publish_dir)
    return partial + len(prune_editions(publish_dir, newest=0, days=0, now=datetime.now(UTC)))


def _remove_partial(publish_dir: Path) -> int:
    """Remove the partial editions of crashed runs; return how many."""
    partial = [path for path in publish_dir.glob(f"*{_PARTIAL}") if _NAME.fullmatch(path.stem)]
    for path in partial:
        shutil.rmtree(path)
    return len(partial)


@contextmanager
def publish_errors(
    place: Path, what: str, left: str = "The published pages are unchanged."
) -> Iterator[None]:
    """Convert an OSError into a PublishError.

    Args:
        place: The file or folder that the operation is on.
        what: What could not be done to it, after "could not be".
        left: The state that a failure leaves.

    Raises:
        PublishError: The file system refused an operation.
    """
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{place} could not be {what}: {error.strerror or error}. "
            f"{left} Check the folder's free space and permissions "
            "(ATENDIMENTO_PUBLISH_DIR), then run again."
        ) from error
