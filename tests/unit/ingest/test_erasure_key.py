"""The key of erased numbers is in the state folder alone, private and whole."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from orchestration.errors import DatabaseError
from orchestration.ingest.redaction import erased_numbers, erasure_key, erasure_record
from orchestration.ingest.redaction.erasure_key import ErasureKeyMissing
from orchestration.monitoring.doctor import _erasure_key
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MIGRATIONS, migrate
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings

NUMBER = "9398712345"
OLD = bytes(range(32))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def of_0_4_0(empty_database: Database, tmp_path: Path) -> Database:
    """A state of 0.4.0 with an erased number, whose key is in the database."""
    before = tmp_path / "migrations"
    before.mkdir()
    for path in sorted(MIGRATIONS.glob("000[123]_*")):
        shutil.copy(path, before)
    with empty_database.connect() as conn:
        migrate(conn, folder=before)
        conn.execute("insert into access.erased_client (client_id) values ('h1')")
        conn.execute("insert into access.erased_secret values (%s)", [OLD])
        conn.execute(
            "insert into access.erased_number (number_hash, client_id) values (%s, 'h1')",
            [erased_numbers.hash_of(OLD, NUMBER)],
        )
    return empty_database


def test_the_key_of_an_older_state_moves_into_the_state_folder(
    of_0_4_0: Database, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    other = bytes(32)
    (home / "erased.json").write_text(
        json.dumps({"clients": [], "contacts": [], "secrets": [OLD.hex(), other.hex()]})
    )
    old_umask = os.umask(0)
    try:
        open_database(Settings(home=home, database_url=of_0_4_0.url))
    finally:
        os.umask(old_umask)
    assert mode(home / erasure_key.FILE) == 0o600
    with of_0_4_0.connect() as conn:
        assert erased_numbers.read_erased_numbers(conn, home).secrets == (OLD, other)
        assert erased_numbers.read_erased_numbers(conn, home).in_text("+55 93 9 9871-2345")
        assert conn.execute("select to_regclass('access.erased_secret')").fetchone() == (None,)
        assert conn.execute("select key_id from access.erasure_key").fetchall() == [
            (erasure_key.id_of(OLD),)
        ]
        assert erasure_record.read_file(home).keys == {erasure_key.id_of(k) for k in (OLD, other)}


def test_a_key_that_cannot_be_moved_stays(of_0_4_0: Database, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with pytest.raises(DatabaseError, match="home"):
        open_database(Settings(home=tmp_path / "home", database_url=of_0_4_0.url))
    with of_0_4_0.connect() as conn, pytest.raises(DatabaseError, match="state folder"):
        migrate(conn)
    with of_0_4_0.connect() as conn:
        assert conn.execute("select secret from access.erased_secret").fetchall() == [(OLD,)]


def test_a_key_is_made_at_the_first_erasure_and_then_needed(
    database: Database, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home)
    with database.connect() as conn:
        assert erasure_key.read_keys(home, conn) == ()
        assert list(_erasure_key(conn, settings)) == []
        erased_numbers.insert_erased_numbers(conn, home, "h1", [NUMBER])
        assert mode(home / erasure_key.FILE) == 0o600
        (key,) = erasure_key.read_keys(home, conn)
        assert len(key) == 32
        assert [check.well for check in _erasure_key(conn, settings)] == [True]
        erased_numbers.insert_erased_numbers(conn, home, "h2", ["1133334444"])
        assert erasure_key.read_keys(home, conn) == (key,)

        (home / erasure_key.FILE).chmod(0o640)
        assert [check.well for check in _erasure_key(conn, settings)] == [False]
        for spoil in (lambda file: file.write_text("not hex"), Path.unlink):
            spoil(home / erasure_key.FILE)
            assert [check.well for check in _erasure_key(conn, settings)] == [False]
            for use in (
                lambda: erased_numbers.read_erased_numbers(conn, home),
                lambda: erased_numbers.insert_erased_numbers(conn, home, "h3", ["1122223333"]),
            ):
                with pytest.raises(ErasureKeyMissing, match=r"erasure\.key.*Nothing was changed"):
                    use()

        # Of another installation: a line more, and both are known.
        other = bytes(32)
        (home / erasure_key.FILE).write_text(f"{other.hex()}\n{key.hex()}\n")
        assert erased_numbers.read_erased_numbers(conn, home).in_text("93 99871-2345")


def test_a_private_file_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    erasure_key.write_private_file(file, "before")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            erasure_key.write_private_file(file, "after")
    assert file.read_text() == "before"
    erasure_key.write_private_file(file, "after")
    assert (file.read_text(), mode(file), list(tmp_path.iterdir())) == ("after", 0o600, [file])
