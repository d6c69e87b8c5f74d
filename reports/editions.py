"""Editions: whole sets of pages side by side, and the link that says which one is read.

A reader follows `current`, which always leads to a whole edition; an edition being written has a
name of its own and nobody is led there. One writer at a time: the run's lock.

    <publish folder>/current -> <name>
    <publish folder>/<name>/
    <publish folder>/<name>.partial/    being written, or left by a writer that died

Editions stand in the publish folder itself, so that a page leads to what stands beside them by one
relative address, whether it is read through `current` or by its edition's own name. Nothing else in
the folder is touched: an edition is known by the form of its name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

OWNER_ONLY_FOLDER = 0o700
OWNER_ONLY_FILE = 0o600
CURRENT = "current"
FACTS = "edition.json"
BEFORE_0_2_0 = "editions"  # where version 0.1.0 put editions; nothing reads or removes them

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z-[\w-]{1,40}", re.ASCII)
_PARTIAL = ".partial"
_NEW_LINK = ".current.new"


class PublishError(Exception):
    """The pages could not be published; the message says what stands and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One set of pages: the instant that it shows, when and by which run it was made, the group's
    time zone, and how many hours old the data may be, with the companies that have a limit of
    their own. `fingerprint` is the hash of the published tables. `next_expected` is when the next
    edition is to be made, where somebody knows: past that, a page that is still the current one is
    late. `policy` is the content security policy of its pages.
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
        """How many hours old the data of a company may be."""
        return self.stale_hours_by_company.get(company_id, self.stale_hours)


_AS_JSON = TypeAdapter(Edition)


def write_facts(folder: Path, edition: Edition) -> None:
    """Write `edition.json`: what the lookup page renders the pages of the edition from, beside the
    published tables.
    """
    with recorded_facts(folder / FACTS, "written; the new edition was removed"):
        handle = os.open(folder / FACTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
        with open(handle, "wb") as file:
            file.write(_AS_JSON.dump_json(edition, indent=1))


def read_facts(folder: Path) -> Edition | None:
    """The edition of a folder; None where another version of the program wrote it."""
    try:
        return _AS_JSON.validate_json((folder / FACTS).read_bytes())
    except (OSError, ValidationError):
        return None


@dataclass(frozen=True, slots=True)
class KeptEdition:
    """A whole edition in the publish folder: the instant that it shows, and when it was made."""

    name: str
    as_of: datetime
    made_at: datetime


def edition_name(as_of: datetime, run_id: str) -> str:
    """A name that sorts by the instant shown and is the run's own."""
    return f"{as_of.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{run_id[:8]}"


def create_edition_folder(publish_dir: Path, name: str) -> Path:
    """Make the empty folder of a new edition; remove what a writer that died left behind.

    Raises PublishError when the name is taken or the folder cannot be made, ValueError when the
    name is not one of `name_of`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an edition")
    with recorded_facts(publish_dir, "made ready for a new edition"):
        if not publish_dir.exists():
            publish_dir.mkdir(parents=True, mode=OWNER_ONLY_FOLDER)
        (publish_dir / _NEW_LINK).unlink(missing_ok=True)
        _remove_partial(publish_dir)
        if (publish_dir / name).exists():
            raise PublishError(
                f"The edition {name} is already in {publish_dir}; an edition is never written "
                "over. Nothing was changed. Use another name, or activate the one that is there."
            )
        partial = publish_dir / f"{name}{_PARTIAL}"
        partial.mkdir(mode=OWNER_ONLY_FOLDER)
    return partial


def activate_edition(publish_dir: Path, name: str) -> Path:
    """Lead readers to that edition, in one step; return its folder.

    Works again for an edition that is already whole: after an interruption, or to go back.
    """
    partial, whole = publish_dir / f"{name}{_PARTIAL}", publish_dir / name
    with recorded_facts(publish_dir / CURRENT, f"led to the edition {name}"):
        if partial.is_dir():
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


def withdraw_current(publish_dir: Path) -> None:
    """Lead readers nowhere: what undoes the activation of a very first edition."""
    with recorded_facts(publish_dir / CURRENT, "withdrawn"):
        (publish_dir / CURRENT).unlink(missing_ok=True)


def current_edition(publish_dir: Path) -> Path | None:
    """The folder of the edition that is read now; None when there is none yet."""
    link = publish_dir / CURRENT
    return link.resolve() if link.is_dir() else None


def list_editions(publish_dir: Path) -> list[KeptEdition]:
    """The whole editions that are there, the one made last first."""
    found = [
        KeptEdition(
            folder.name,
            datetime.strptime(folder.name[:18], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC),
            datetime.fromtimestamp(folder.stat().st_mtime, UTC),
        )
        for folder in publish_dir.iterdir()
        if _NAME.fullmatch(folder.name) and folder.is_dir()
    ]
    return sorted(found, key=lambda edition: (edition.made_at, edition.name), reverse=True)


def prune_editions(publish_dir: Path, *, newest: int, days: int, now: datetime) -> list[str]:
    """Remove old editions; return their names.

    There stay the one that is read, the `newest` ones made last, and the one made last of each
    date of their instants (in the time zone of `now`) when it was made in the last `days` days.
    """
    removed = []
    with recorded_facts(publish_dir, "cleared of old editions"):
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
            # A folder half removed has no edition's name, and the next run takes it away.
            going = publish_dir / f"{edition.name}{_PARTIAL}"
            folder.rename(going)
            shutil.rmtree(going)
            removed.append(edition.name)
    return removed


def remove_all_editions(publish_dir: Path) -> int:
    """Remove every edition, whole or partial, and lead readers nowhere; how many there were."""
    withdraw_current(publish_dir)
    with recorded_facts(publish_dir, "cleared of editions"):
        if not publish_dir.is_dir():
            return 0
        partial = _remove_partial(publish_dir)
    return partial + len(prune_editions(publish_dir, newest=0, days=0, now=datetime.now(UTC)))


def _remove_partial(publish_dir: Path) -> int:
    """Remove what writers that died left behind; how many editions."""
    partial = [path for path in publish_dir.glob(f"*{_PARTIAL}") if _NAME.fullmatch(path.stem)]
    for path in partial:
        shutil.rmtree(path)
    return len(partial)


@contextmanager
def recorded_facts(place: Path, what: str) -> Iterator[None]:
    """Turn a refusal of the file system into a message for a person."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{place} could not be {what}: {error.strerror or error}. "
            "The pages published before are as they were. "
            "Check the folder's space and rights (ATENDIMENTO_PUBLISH_DIR), then run again."
        ) from error
