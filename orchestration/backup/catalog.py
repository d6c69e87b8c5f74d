"""Which backups a folder holds, and when they were made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

MANIFEST = "manifest.json"
"""The file without which a folder is no backup."""

_NAME = "%Y-%m-%dT%H%M%SZ"


def backup_name(made_at: datetime) -> str:
    """The name of a backup that was made then, in UTC: they sort by it."""
    return made_at.strftime(_NAME)


def list_backups(folder: Path) -> list[Path]:
    """The backups in a folder, the oldest first."""
    return sorted(
        path for path in folder.glob("*Z") if _made_at(path) and (path / MANIFEST).is_file()
    )


def last_backup_at(folder: Path, now: datetime) -> datetime | None:
    """When the newest backup in a folder was made, leaving out those dated in the future."""
    made = (_made_at(path) for path in list_backups(folder))
    return max((at for at in made if at and at <= now), default=None)


def future_backups(folder: Path, now: datetime) -> list[Path]:
    """The backups with a date that cannot be true: made, or restored, under a wrong clock."""
    return [path for path in list_backups(folder) if (at := _made_at(path)) and at > now]


def _made_at(place: Path) -> datetime | None:
    try:
        return datetime.strptime(place.name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None  # a folder of somebody's own
