"""Which backups count: one that is dated in the future is wrong, and takes no other's place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.backup.catalog import backup_name, last_backup_at, list_backups
from orchestration.backup.create import _prune
from orchestration.monitoring.doctor import _backup
from orchestration.settings import Settings

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def backed_up(folder: Path, made_at: datetime) -> Path:
    place = folder / backup_name(made_at)
    place.mkdir(parents=True)
    (place / "manifest.json").touch()
    return place


def test_a_backup_dated_in_the_future_is_wrong_and_never_the_last(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="")
    made = backed_up(tmp_path / "backups", NOW)
    assert _backup(settings, NOW).well
    future = backed_up(tmp_path / "backups", NOW + timedelta(seconds=1))
    assert last_backup_at(tmp_path / "backups", NOW) == NOW
    check = _backup(settings, NOW)
    assert not check.well
    assert f"{future} is dated in the future" in check.says
    assert list_backups(tmp_path / "backups") == [made, future]


def test_a_backup_dated_in_the_future_takes_no_place_of_a_true_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    old, new = (backed_up(tmp_path, now - days * DAY) for days in (2, 1))
    future = backed_up(tmp_path, now + 400 * DAY)
    assert _prune(tmp_path, 1) == 1
    assert list_backups(tmp_path) == [new, future]
    assert not old.exists()
