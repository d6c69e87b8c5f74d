"""The embedded server where things are not as usual: odd folders, a machine that went down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestration.errors import DatabaseError
from orchestration.postgres import embedded
from orchestration.postgres.database import Database


def answers(database: Database) -> bool:
    with database.connect() as conn:
        return conn.execute("select 1").fetchone() == (1,)


def test_a_server_lives_through_an_odd_folder_a_cut_off_start_and_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = tmp_path / "it's 100%41, ã&b=c" / "postgres"
    with monkeypatch.context() as patched:
        # As if killed when initdb has done its work but the settings are not written.
        patched.setattr(embedded, "_server_settings", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            embedded.start_server(data)
    stranger = None
    try:
        database = embedded.start_server(data)
        assert answers(database)
        with database.connect() as conn:
            assert conn.execute("show jit").fetchone() == ("off",), "the settings are in force"
        pid_file = (data / "postmaster.pid").read_text()
        embedded.stop_server(data, "immediate")
        # After the crash another program of the same account has the number of the server.
        account = (data / "PG_VERSION").stat().st_uid
        stranger = subprocess.Popen(["sleep", "600"], cwd="/", user=account)
        _, _, rest = pid_file.partition("\n")
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        os.chown(data / "postmaster.pid", account, -1)
        embedded.stop_server(data)
        assert stranger.poll() is None, "a stranger must not be stopped"
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        os.chown(data / "postmaster.pid", account, -1)
        assert answers(embedded.start_server(data))
        assert stranger.poll() is None
    finally:
        if stranger:
            stranger.kill()
            stranger.wait()
        embedded.stop_server(data, "immediate")


def test_a_folder_that_cannot_be_the_servers_is_refused_and_left_alone(tmp_path: Path):
    mine = tmp_path / "postgres" / "holiday.jpg"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(DatabaseError, match="is not empty"):
        embedded.start_server(mine.parent)
    assert mine.exists()
    with pytest.raises(DatabaseError, match="dollar"):
        embedded.start_server(tmp_path / "$HOME" / "postgres")


def test_what_was_installed_under_a_strict_umask_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "pginstall" / "bin"
    folder.mkdir(parents=True, mode=0o700)
    program, text = folder / "postgres", folder / "sample"
    for path, mode in ((program, 0o700), (text, 0o600), (folder, 0o700), (folder.parent, 0o700)):
        path.touch()
        path.chmod(mode)
    embedded.open_to_all(folder.parent)
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, program, text)]
    assert modes == [0o705, 0o705, 0o705, 0o604]
