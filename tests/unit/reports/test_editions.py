"""Editions: readers are led to a whole one, whatever happens to the next, and old ones go."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reports import editions
from reports.editions import PublishError

NOW = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ONE, TWO, KILLED = (
    editions.edition_name(NOW + hour * HOUR, run)
    for hour, run in enumerate(("1111", "2222", "3333"))
)


def publish(folder: Path, name: str) -> None:
    (editions.create_edition_folder(folder, name) / "index.html").write_text(name)
    editions.activate_edition(folder, name)


def published(folder: Path, as_of: datetime, *, made_at: datetime | None = None) -> str:
    """Publish an edition made a minute after its instant, unless told when; its name."""
    name = editions.edition_name(as_of, "aaaa1111")
    publish(folder, name)
    made = (made_at or as_of + timedelta(minutes=1)).timestamp()
    os.utime(folder / name, (made, made))
    return name


def shown(folder: Path) -> str:
    return (folder / "current" / "index.html").read_text()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.is_symlink()}


def prune(folder: Path, *, newest: int = 1, days: int = 30) -> set[str]:
    return set(editions.prune_editions(folder, newest=newest, days=days, now=NOW))


def test_a_name_sorts_by_the_instant_shown_and_is_the_runs_own() -> None:
    assert editions.edition_name(NOW, "aaaa1111-bbbb") == "2026-11-20T150000Z-aaaa1111"


def test_the_link_leads_to_the_last_edition_activated(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    assert shown(tmp_path) == ONE
    publish(tmp_path, TWO)
    assert shown(tmp_path) == TWO
    editions.activate_edition(tmp_path, ONE)
    assert shown(tmp_path) == ONE
    assert os.readlink(tmp_path / "current") == ONE


def test_an_edition_being_written_is_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    (editions.create_edition_folder(tmp_path, TWO) / "index.html").write_text("half")
    assert shown(tmp_path) == ONE
    assert [edition.name for edition in editions.list_editions(tmp_path)] == [ONE]


def test_what_a_killed_writer_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    (editions.create_edition_folder(tmp_path, KILLED) / "index.html").write_text("half")
    (tmp_path / ".current.new").symlink_to(KILLED)
    publish(tmp_path, TWO)
    assert names(tmp_path) == {ONE, TWO}
    assert not (tmp_path / ".current.new").is_symlink()


def test_an_edition_is_never_written_over(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    with pytest.raises(PublishError, match="never overwritten"):
        editions.create_edition_folder(tmp_path, ONE)
    assert shown(tmp_path) == ONE


@pytest.mark.parametrize("name", ["../away", "one", "", f"{ONE}/x", f"{ONE}.partial", f"{ONE}\n"])
def test_a_name_of_another_form_is_no_edition(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of an edition"):
        editions.create_edition_folder(tmp_path / "published", name)
    assert not list(tmp_path.iterdir())


def test_an_edition_that_is_not_there_is_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    with pytest.raises(PublishError, match=f"no edition {TWO}"):
        editions.activate_edition(tmp_path, TWO)
    assert shown(tmp_path) == ONE


def test_only_the_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    partial = editions.create_edition_folder(folder, ONE)
    for path in (folder, partial):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_publish_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "published").write_text("not a folder")
    with pytest.raises(PublishError, match=r"published.*unchanged"):
        editions.create_edition_folder(tmp_path / "published", ONE)


def test_a_folder_in_the_place_of_the_link_is_told_and_left(tmp_path: Path) -> None:
    editions.create_edition_folder(tmp_path, ONE)
    (tmp_path / "current").mkdir()
    with pytest.raises(PublishError, match=f"current could not be switched to the edition {ONE}"):
        editions.activate_edition(tmp_path, ONE)
    assert (tmp_path / "current").is_dir()


def test_a_first_edition_can_be_withdrawn_and_activated_again(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    editions.withdraw_current(tmp_path)
    assert editions.current_edition(tmp_path) is None
    editions.withdraw_current(tmp_path)
    editions.activate_edition(tmp_path, ONE)
    assert shown(tmp_path) == ONE


def test_what_is_kept_is_told_the_last_made_first(tmp_path: Path) -> None:
    later = published(tmp_path, NOW, made_at=NOW + HOUR)
    earlier_instant = published(tmp_path, NOW - DAY, made_at=NOW + 2 * HOUR)
    (tmp_path / "notes").mkdir()
    kept = editions.list_editions(tmp_path)
    assert [edition.name for edition in kept] == [earlier_instant, later]
    assert [edition.as_of for edition in kept] == [NOW - DAY, NOW]
    assert kept[1].made_at == NOW + HOUR


def test_the_newest_stay_whatever_their_date(tmp_path: Path) -> None:
    fourth, third, second, last = (published(tmp_path, NOW - hour * HOUR) for hour in (4, 3, 2, 1))
    assert prune(tmp_path, newest=2, days=0) == {third, fourth}
    assert names(tmp_path) == {last, second}


def test_the_last_edition_of_each_date_stays(tmp_path: Path) -> None:
    evening, noon = NOW - DAY + 6 * HOUR, NOW - DAY
    kept = {published(tmp_path, at) for at in (NOW, evening, NOW - 2 * DAY)}
    gone = {published(tmp_path, at) for at in (NOW - HOUR, noon, NOW - 2 * DAY - HOUR)}
    current = published(tmp_path, NOW + HOUR)
    editions.activate_edition(tmp_path, current)
    # The last of today is the current one; the one at noon is not.
    assert prune(tmp_path) == gone | {editions.edition_name(NOW, "aaaa1111")}
    assert names(tmp_path) == (kept - {editions.edition_name(NOW, "aaaa1111")}) | {current}


def test_a_date_is_the_groups(tmp_path: Path) -> None:
    """03:00 in Greenwich is midnight in São Paulo: one second parts two dates."""
    midnight = datetime(2026, 11, 18, 3, tzinfo=UTC)
    before, at = published(tmp_path, midnight - SECOND), published(tmp_path, midnight)
    published(tmp_path, NOW)
    assert prune(tmp_path) == set()
    after = published(tmp_path, midnight + SECOND)
    editions.activate_edition(tmp_path, editions.edition_name(NOW, "aaaa1111"))
    assert prune(tmp_path) == {at}
    assert {before, after} <= names(tmp_path)


def test_which_is_the_last_of_a_date_is_decided_by_when_it_was_made(tmp_path: Path) -> None:
    again = published(tmp_path, NOW - 5 * DAY, made_at=NOW - HOUR)
    first = published(tmp_path, NOW - 5 * DAY + HOUR, made_at=NOW - 5 * DAY + 2 * HOUR)
    published(tmp_path, NOW)
    assert prune(tmp_path) == {first}
    assert again in names(tmp_path)


def test_an_edition_made_longer_ago_than_the_days_goes(tmp_path: Path) -> None:
    at = published(tmp_path, NOW - 31 * DAY, made_at=NOW - 30 * DAY)
    past = published(tmp_path, NOW - 32 * DAY, made_at=NOW - 30 * DAY - SECOND)
    published(tmp_path, NOW)
    assert prune(tmp_path) == {past}
    assert at in names(tmp_path)


def test_the_one_that_is_read_stays(tmp_path: Path) -> None:
    old = published(tmp_path, NOW - 90 * DAY)
    new = published(tmp_path, NOW - HOUR)
    editions.activate_edition(tmp_path, old)
    assert prune(tmp_path, newest=1, days=0) == set()
    assert prune(tmp_path, newest=0, days=0) == {new}
    assert shown(tmp_path) == old


def test_what_is_no_edition_is_never_touched(tmp_path: Path) -> None:
    published(tmp_path, NOW - 90 * DAY)
    published(tmp_path, NOW)
    (tmp_path / "qualidade.html").write_text("beside")
    for foreign in ("backup", "2026-11-20", "notes.partial", "2026-11-20T120000Z-"):
        (tmp_path / foreign).mkdir()
        (tmp_path / foreign / "mine.txt").write_text("mine")
    prune(tmp_path, newest=0, days=0)
    editions.create_edition_folder(tmp_path, ONE)
    for foreign in ("backup", "2026-11-20", "notes.partial", "2026-11-20T120000Z-"):
        assert (tmp_path / foreign / "mine.txt").read_text() == "mine"
    assert (tmp_path / "qualidade.html").read_text() == "beside"


def test_a_folder_that_cannot_be_cleared_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = published(tmp_path, NOW - 90 * DAY)
    published(tmp_path, NOW)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("reports.editions.shutil.rmtree", refuse)
        with pytest.raises(PublishError, match="cleared of old editions: Permission denied"):
            prune(tmp_path)
    assert [edition.name for edition in editions.list_editions(tmp_path)] == [
        editions.edition_name(NOW, "aaaa1111")
    ]
    publish(tmp_path, TWO)
    assert old not in {name.removesuffix(".partial") for name in names(tmp_path)}


@pytest.mark.parametrize(("mode", "file"), [(0o2750, 0o640), (0o2700, 0o600), (0o755, 0o600)])
def test_the_group_of_a_shared_folder_reads_an_edition(
    tmp_path: Path, mode: int, file: int
) -> None:
    """Only with the setgid bit is the folder meant for the account of the lookup page."""
    tmp_path.chmod(mode)
    name = editions.edition_name(NOW, "shared")
    partial = editions.create_edition_folder(tmp_path, name)
    (partial / "c1").mkdir(mode=0o700)
    page = partial / "c1" / "index.html"
    page.touch(mode=0o600)
    whole = editions.activate_edition(tmp_path, name)
    assert (whole / "c1" / "index.html").stat().st_mode & 0o777 == file
    assert (whole / "c1").stat().st_mode & 0o777 == (0o750 if file == 0o640 else 0o700)
