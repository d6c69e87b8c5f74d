"""A full disk, really full: a 64 MB file system under the database or the publish folder.

The run fails with a sentence, what is published stays as it is to the byte, and once there is room
the next run is right. (`tests/faults/test_bad_input.py` does without a file system of its own.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kept_state import Kept, digest
from receiver import webhook

from orchestration.notifications.dispatcher import dispatch_notifications, notify_without_database
from orchestration.postgres.database import Database
from orchestration.settings import Settings

_MEGABYTES = 64


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """An empty file system of 64 MB."""
    place = Path(tempfile.mkdtemp(prefix="atendimento-disk-"))
    place.chmod(0o711)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=711", "none", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        place.rmdir()
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def fill(disk: Path, leave: int) -> Path:
    """Write a file that leaves that many bytes."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    with ballast.open("wb") as file:
        for _ in range(max(room.f_bavail * room.f_frsize - leave, 0) // 4096):
            file.write(bytes(4096))
    return ballast


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the editions, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent != folder
    }


@pytest.mark.proof
@pytest.mark.parametrize("leave", [150_000, 0])
def test_at_the_publish_folder(kept: Kept, small_disk: Path, leave: int) -> None:
    kept.reset()
    published = small_disk / "published"
    shutil.copytree(kept.home / "published", published, symlinks=True)
    before, shown = files(published), (published / "current").resolve()
    there = {"PUBLISH_DIR": str(published)}
    ballast = fill(small_disk, leave)

    said = kept.run(there)

    print(f"\n{leave:,} bytes left for the pages: exit code {said.exit_code}, {said.last_line}")
    assert said.exit_code == 1, said.output
    assert "No space left on device" in said.output
    assert "ATENDIMENTO_PUBLISH_DIR" in said.output
    assert "Traceback" not in said.output
    assert kept.published() == kept.before
    assert files(published) == before
    assert (published / "current").resolve() == shown
    ballast.unlink()
    again = kept.run(there)
    assert again.exit_code == 0, again.output
    assert kept.published() == kept.after


@pytest.fixture
def small_tablespace(kept: Kept, small_disk: Path) -> Iterator[Path]:
    """The trial's database on the small disk; the server's log of changes stays where it is."""
    place = small_disk / "database"
    place.mkdir(mode=0o700)
    # The server's own folder, of whatever account runs it.
    owner = Path(kept.database.parts["host"]).stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    with kept.maintenance() as conn:
        conn.execute(f"create tablespace small location '{place}'".encode())
    kept.reset("small")
    try:
        yield small_disk
    finally:
        kept.reset()
        with kept.maintenance() as conn:
            conn.execute("drop tablespace small")


@pytest.mark.parametrize("leave", [2_000_000, pytest.param(0, marks=pytest.mark.proof)])
def test_at_the_database(kept: Kept, small_tablespace: Path, leave: int) -> None:
    published = kept.home / "published"
    before, shown = files(published), (published / "current").resolve()
    # One who reads already goes on; PostgreSQL may have no room to let in anybody new.
    with kept.database.connect() as reader:
        ballast = fill(small_tablespace, leave)

        said = kept.run()

        print(f"\n{leave:,} bytes left for the database: {said.exit_code}, {said.last_line}")
        assert digest(reader) == kept.before
    assert said.exit_code == 1, said.output
    assert "disk of the database is full" in said.output
    assert "fault of the program" not in said.output
    assert "Traceback" not in said.output
    assert files(published) == before
    assert (published / "current").resolve() == shown
    ballast.unlink()
    assert kept.published() == kept.before
    again = kept.run()
    assert again.exit_code == 0, again.output
    assert kept.published() == kept.after


def test_at_the_state_folder_alarms_are_told_once_all_the_same(
    database: Database, small_disk: Path
) -> None:
    home = small_disk / "home"
    home.mkdir()
    with webhook() as hook:
        settings = Settings(_env_file=None, home=home, notify_webhooks=hook.url)  # type: ignore[call-arg, arg-type]
        dispatch_notifications(settings, database)
        fill(small_disk, 0)
        for _ in range(3):
            assert notify_without_database(settings, "database_away", {}) == []
        for _ in range(3):
            assert dispatch_notifications(settings, database) == []
        assert hook.news == [(["database_away"], []), ([], ["database_away"])]
    assert [path.name for path in home.glob("*alarms*")] == ["alarms.json"]
