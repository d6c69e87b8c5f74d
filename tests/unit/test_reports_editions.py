"""Editions: readers are led to a whole one, whatever happens to the next."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reports import editions
from reports.editions import PublishError


def publish(folder: Path, name: str) -> None:
    (editions.prepare(folder, name) / "index.html").write_text(name)
    editions.activate(folder, name)


def shown(folder: Path) -> str:
    return (folder / "current" / "index.html").read_text()


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "editions").iterdir()}


def test_the_link_leads_to_the_last_edition_activated(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    assert shown(tmp_path) == "one"
    publish(tmp_path, "two")
    assert shown(tmp_path) == "two"
    editions.activate(tmp_path, "one")
    assert shown(tmp_path) == "one"
    assert not os.path.isabs(os.readlink(tmp_path / "current"))


def test_an_edition_being_written_is_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    (editions.prepare(tmp_path, "two") / "index.html").write_text("half")
    assert shown(tmp_path) == "one"


def test_what_a_killed_writer_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    (editions.prepare(tmp_path, "killed") / "index.html").write_text("half")
    (tmp_path / ".current.new").symlink_to("editions/killed")
    publish(tmp_path, "two")
    assert names(tmp_path) == {"one", "two"}
    assert not (tmp_path / ".current.new").is_symlink()


def test_an_edition_is_never_written_over(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    with pytest.raises(PublishError, match="never written over"):
        editions.prepare(tmp_path, "one")
    assert shown(tmp_path) == "one"


def test_an_edition_that_is_not_there_is_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    with pytest.raises(PublishError, match="no edition two"):
        editions.activate(tmp_path, "two")
    assert shown(tmp_path) == "one"


def test_pruning_keeps_the_newest_and_the_one_that_is_shown(tmp_path: Path) -> None:
    for age, name in enumerate(("one", "two", "three", "four")):
        publish(tmp_path, name)
        os.utime(tmp_path / "editions" / name, (age, age))
    editions.activate(tmp_path, "one")
    assert editions.prune(tmp_path, keep=2) == ["three", "two"]
    assert names(tmp_path) == {"one", "four"}
    assert editions.prune(tmp_path, keep=0) == ["four"]
    assert shown(tmp_path) == "one"


def test_only_the_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    (folder / "editions").mkdir(parents=True)
    (folder / "editions").chmod(0o755)
    partial = editions.prepare(folder, "one")
    for path in (folder / "editions", partial):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_publish_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "published").write_text("not a folder")
    with pytest.raises(PublishError, match=r"published.*as they were"):
        editions.prepare(tmp_path / "published", "one")


def test_a_folder_in_the_place_of_the_link_is_told_and_left(tmp_path: Path) -> None:
    editions.prepare(tmp_path, "one")
    (tmp_path / "current").mkdir()
    with pytest.raises(PublishError, match="current could not be led to the edition one"):
        editions.activate(tmp_path, "one")
    assert (tmp_path / "current").is_dir()


def test_a_first_edition_can_be_withdrawn_and_activated_again(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    editions.withdraw(tmp_path)
    assert editions.current(tmp_path) is None
    editions.withdraw(tmp_path)
    editions.activate(tmp_path, "one")
    assert shown(tmp_path) == "one"
