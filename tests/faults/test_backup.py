"""Backup and restore: what was published stands again, nothing half, and nobody comes back.

One home with an embedded server and a published delivery; each test begins by restoring its first
backup, which is the thing tested too.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import ANY

import pytest
from deliveries import write
from forked_runs import Mark
from kept_state import AFTER, BEFORE, FIRST, SECOND, Digest, Kept, digest
from pipeline import Program, Said, environment

from orchestration.access import log_chain, roles
from orchestration.backup import create, restore
from orchestration.backup.catalog import list_backups
from orchestration.ingest.redaction import erased_numbers, erasure_record
from orchestration.ingest.redaction.stored_rows import erase_stored
from orchestration.postgres import embedded, server_place
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE
from orchestration.runs.bootstrap import backfill_lock, run_lock
from orchestration.settings import Settings, load_settings
from tests.reader_sessions import identify

EMBEDDED = {"DATABASE_URL": ""}


@dataclass(frozen=True, slots=True)
class House:
    """A home with its embedded server, and the first backup of it."""

    home: Path
    kept: Kept

    @property
    def settings(self) -> Settings:
        """As this home's commands read them."""
        with environment({"ATENDIMENTO_HOME": str(self.home)}):
            return load_settings(Path("/nonexistent/.env"))

    @property
    def database(self) -> Database:
        """In its server."""
        return embedded.server_database(self.home / "postgres")

    @property
    def first(self) -> Path:
        """The first backup."""
        return list_backups(self.home / "backups")[0]

    def call(self, *arguments: str | Path) -> Said:
        """Call a command over the embedded server."""
        return Program(self.home, self.database).call(*arguments, **EMBEDDED)

    def published(self) -> Digest:
        """What is published now."""
        with self.database.connect() as conn:
            return digest(conn)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """What the owner of the database gets."""
        with self.database.connect() as conn:
            return conn.execute(statement.encode()).fetchall()

    def databases(self) -> set[str]:
        """The names of the server's databases."""
        rows = self.query("select datname from pg_database where not datistemplate")
        return {str(name) for (name,) in rows}


@pytest.fixture(scope="module")
def made_house(kept: Kept) -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    umask = os.umask(0o077)
    try:
        house = House(home, kept)
        first = write(home / "first", FIRST)
        write(home / "second", SECOND)
        said = kept.workshop.run({"HOME": str(home)}, "run", "--source", first, "--as-of", BEFORE)
        assert said.exit_code == 0, said.output
        assert house.published() == kept.before
        assert house.call("backup").exit_code == 0
        yield house
    finally:
        os.umask(umask)
        embedded.remove_server(home / "postgres")
        shutil.rmtree(home)


@pytest.fixture
def house(made_house: House) -> House:
    for file in ("erased.json", "erasure.key"):
        (made_house.home / file).unlink(missing_ok=True)
    with made_house.database.connect() as conn:
        conn.execute(
            "truncate access.erased_client, access.erased_contact, access.erased_number,"
            " access.erasure_key, access.account"
        )
    shutil.rmtree(made_house.home / "whatsapp", ignore_errors=True)
    said = made_house.call("restore", made_house.first)
    assert said.exit_code == 0, said.output
    return made_house


def dumped(folder: Path) -> str:
    """The SQL of a backup's dump."""
    command = [
        server_place.installed_programs() / "pg_restore",
        "--file=-",
        folder / "database.dump",
    ]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def seen(database: Database, settings: Settings, user: str) -> tuple[object, ...] | None:
    """What the lookup page's own role sees for a user."""
    logins = roles.page_logins(settings, database)
    with logins.page.connect() as conn:
        assert roles.page_role_faults(conn) == []
        identify(conn, database, user)
        return conn.execute(
            "select count(*), sum(hashtextextended(t::text, 0)),"
            " (select count(*) from marts.totalizer_history) from marts.agenda_status as t"
        ).fetchone()


def test_a_restored_backup_in_a_fresh_home_is_the_published_state_with_its_rights(
    house: House, tmp_path: Path
) -> None:
    home = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    fresh = House(home, house.kept)
    try:
        said = fresh.call("restore", house.first)

        assert said.exit_code == 0, said.output
        assert "atendimento run" in said.last_line
        assert fresh.published() == house.kept.before
        for user in ("u1", "u2", "nobody"):
            there = seen(house.database, house.settings, user)
            assert seen(fresh.database, fresh.settings, user) == there
            assert (there or (0,))[0] == {"u1": 24, "u2": 24, "nobody": 0}[user]
        assert fresh.query(
            f"select has_function_privilege('{PAGE}', 'access.forget_log(timestamptz)', 'execute')"
        ) == [(False,)]
        second = house.kept.workshop.run(
            {"HOME": str(home)}, "run", "--source", house.home / "second", "--as-of", AFTER
        )
        assert second.exit_code == 0, second.output
        assert fresh.published() == house.kept.after
    finally:
        embedded.remove_server(home / "postgres")
        shutil.rmtree(home)


@pytest.mark.parametrize(
    "mark",
    [
        ("build", 10),
        pytest.param(("load", 40), marks=pytest.mark.proof),
        pytest.param(("publish", 8), marks=pytest.mark.proof),
    ],
)
def test_a_backup_made_during_a_run_is_one_whole_state(house: House, mark: Mark) -> None:
    said: list[Said] = []
    backing = threading.Thread(
        target=lambda: said.append(house.call("backup", house.home / "meanwhile"))
    )

    def begin() -> None:
        backing.start()
        # In a build nothing is held that a backup needs; else it waits for the load or the swap.
        backing.join(60 if mark[0] == "build" else 1)

    run = house.kept.workshop.run(
        {"HOME": str(house.home)},
        *("run", "--source", house.home / "second", "--as-of", AFTER),
        stand_at=mark,
        meanwhile=begin,
    )
    backing.join(60)
    assert run.exit_code == 0, run.output
    assert house.published() == house.kept.after
    assert said[0].exit_code == 0, said[0].output
    (made,) = list_backups(house.home / "meanwhile")

    assert house.call("restore", made).exit_code == 0

    is_after = house.published() == house.kept.after
    assert is_after or house.published() == house.kept.before
    assert not (is_after and mark[0] == "build")
    (publications,) = house.query("select count(*) from ops.publication")
    assert publications == (2 if is_after else 1,)
    shutil.rmtree(house.home / "meanwhile")


def flip_a_byte(folder: Path) -> None:
    dump = folder / "database.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


def cut_off(folder: Path) -> None:
    dump = folder / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-100])


def change_manifest(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (flip_a_byte, "database.dump is damaged"),
        (cut_off, "database.dump is damaged"),
        (lambda folder: (folder / "database.dump").unlink(), "holds no whole backup"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "holds no whole backup"),
        (change_manifest(rows={"raw.agenda": 1}), "raw.agenda did not have the rows"),
        (change_manifest(program="9.0.0"), "made by version 9.0.0"),
        (change_manifest(roles=["somebody"]), "belongs to the roles somebody"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_changed(
    made_house: House, tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    before = made_house.published(), made_house.databases()
    folder = Path(shutil.copytree(made_house.first, tmp_path / "damaged"))
    damage(folder)
    said = made_house.call("restore", folder)
    assert said.exit_code == 1
    assert told in said.output
    assert "Nothing was changed" in said.output
    assert (made_house.published(), made_house.databases()) == before


def kill_in_restore(house: House, step: str) -> None:
    """`kill -9` of a restore of the first backup where it calls that function."""
    command = (
        "import os, signal, sys; from orchestration.backup import restore;"
        "from orchestration.cli import main as cli;"
        f"restore.{step} = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    with environment({"ATENDIMENTO_HOME": str(house.home)}):
        killed = subprocess.run(
            [sys.executable, "-c", command, "restore", str(house.first)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.parametrize(
    "step",
    [
        "_swap",
        pytest.param("_assert_whole", marks=pytest.mark.proof),
        pytest.param("_bring_up", marks=pytest.mark.proof),
    ],
)
def test_a_restore_that_is_killed_leaves_what_was_there(house: House, step: str) -> None:
    marked = (
        "insert into ops.retention_run values (true)"
        " on conflict (only_row) do update set finished_at ="
    )
    with house.database.connect() as conn:
        conn.execute(f"{marked} '2001-01-01'".encode())
    kill_in_restore(house, step)
    assert house.published() == house.kept.before
    assert house.query("select extract(year from finished_at)::int from ops.retention_run") == [
        (2001,)
    ]

    assert house.call("restore", house.first).exit_code == 0
    assert house.query(
        "select count(*) from ops.retention_run where finished_at < '2002-01-01'"
    ) == [(0,)]
    assert {name for name in house.databases() if "restor" in name} == {
        "atendimento_before_restore"
    }


def test_what_a_killed_restore_leaves_goes_with_an_erasure_or_when_tidied_up(house: House) -> None:
    left_events = house.home / "whatsapp" / ".restoring"
    for remove in (("cleanup",), ("erase", "h1")):
        kill_in_restore(house, "redact_files")
        (left_events / "1.jsonl").write_text("Rui")
        with run_lock(house.database):  # as a restore that is under way
            house.call(*remove)
        assert left_events.exists()
        assert "atendimento_restoring" in house.databases()

        said = house.call(*remove)

        assert said.exit_code == 0, said.output
        assert not left_events.exists()
        assert "atendimento_restoring" not in house.databases()
        assert "_restoring" not in said.output


@pytest.mark.parametrize("database_is_lost", [False, True])
def test_a_client_erased_since_stays_erased(house: House, database_is_lost: bool) -> None:
    name = house.query("select name from raw.client where client_id = 'h1'")
    with house.database.connect() as conn:
        erase_stored(conn, house.home, "h1")
        conn.execute("insert into access.erased_client (client_id) values ('came and went later')")
        erased_numbers.insert_erased_numbers(
            conn, house.home, "came and went later", ["9398712345"]
        )
        erasure_record.write_file(house.home, erasure_record.read_database(conn))
        if database_is_lost:
            conn.rollback()
    assert name == [("Rui",)]

    said = house.call("restore", house.first)

    assert said.exit_code == 0, said.output
    assert "erased again: 1." in said.output
    assert house.query("select name from raw.client where client_id = 'h1'") == [("(apagado)",)]
    assert house.query("select client_id from access.erased_client order by 1") == [
        ("came and went later",),
        ("h1",),
    ]
    assert house.query("select to_regnamespace('marts') is null") == [(True,)]
    with house.database.connect() as conn:
        assert erased_numbers.read_erased_numbers(conn, house.home).in_text("+55 93 9 9871-2345")


def test_a_backup_has_no_key_of_erased_numbers_and_a_restore_needs_it(
    house: House, tmp_path: Path
) -> None:
    with house.database.connect() as conn:
        erase_stored(conn, house.home, "h1")
    assert house.call("backup", tmp_path).exit_code == 0
    (made,) = list_backups(tmp_path)
    key = house.home / "erasure.key"
    secret = key.read_text().strip()
    told = dumped(made)
    assert "access.erased_number" in told
    assert secret not in told

    key.rename(tmp_path / "elsewhere")
    refused = house.call("restore", made)
    assert refused.exit_code == 1
    assert "erasure.key lacks the key of erased numbers" in refused.output
    assert "Nothing was changed. Copy the file from the state folder" in refused.output
    assert "atendimento_restoring" not in house.databases()

    (tmp_path / "elsewhere").rename(key)
    assert house.call("restore", made).exit_code == 0
    key.unlink()
    (house.home / "erased.json").unlink(missing_ok=True)
    assert house.call("restore", made, "--without-erasure-key").exit_code == 0
    assert house.query("select count(*) from access.erasure_key") == [(0,)]
    assert house.query("select client_id from access.erased_client") == [("h1",)]


def test_sessions_end_and_accounts_and_the_access_log_stay_as_they_are_now(house: House) -> None:
    def account(user: str, hashed: str) -> str:
        return (
            "insert into access.account (user_id, password_hash, must_change, changed_at)"
            f" values ('{user}', '{hashed}', false, now())"
        )

    with house.database.connect() as conn:
        conn.execute(account("u1", "dismissed since").encode())
        conn.execute(account("u2", "old").encode())
        conn.execute(
            "insert into access.session (token_hash, user_id, csrf, created_at, last_seen_at,"
            " expires_at, idle) values ('x', 'u1', 'c', now(), now(), now() + interval '1 day',"
            " interval '1 hour')"
        )
        conn.execute("insert into access.access_log (action, details) values ('before', '{}')")
    made = create.create_backup(house.settings, house.home / "with-accounts")
    listed = subprocess.run(
        [server_place.installed_programs() / "pg_restore", "--list", made.folder / create.DUMP],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "TABLE DATA access account" in listed
    assert "TABLE DATA access session" not in listed
    assert made.manifest.rows["access.session"] == 0
    with house.database.connect() as conn:
        # What has expired by now is there again after the restore, until the next cleanup.
        conn.execute("select access.forget_log('infinity')")
        conn.execute("insert into access.access_log (action) values ('after')")
        conn.execute("delete from access.account where user_id = 'u1'")
        conn.execute("update access.account set password_hash = 'new'")

    restore.restore_backup(house.settings, made.folder)

    assert house.query("select count(*) from access.session") == [(0,)]
    assert house.query("select action, details::text from access.access_log order by log_id") == [
        ("before", "{}"),
        ("entries_expired", ANY),
        ("after", None),
    ]
    with house.database.connect() as conn:
        assert log_chain.verify(conn).fault is None
    assert house.query("select user_id, password_hash from access.account") == [("u2", "new")]

    house.query("delete from access.account returning user_id")
    restore.restore_backup(house.settings, made.folder)
    assert house.query("select * from access.account") == [], "the last was withdrawn since"

    with house.database.connect() as conn:
        # As on a new machine, where nobody can have withdrawn any.
        conn.execute("update ops.delivery set status = 'refused'")
    restore.restore_backup(house.settings, made.folder)
    assert house.query("select count(*) from access.account") == [(2,)]
    assert house.query("select count(*) from access.session") == [(0,)]


def test_events_that_the_restored_state_does_not_have_wait_again(house: House) -> None:
    waiting = house.home / "whatsapp"
    loaded = waiting / "loaded"
    loaded.mkdir(parents=True)
    (waiting / "1-1.jsonl").write_text('{"waits": 1}\n')
    (loaded / "0-1.jsonl").write_text('{"loaded": "before"}\n')
    os.utime(loaded / "0-1.jsonl", (1, 1))
    with (waiting / "2-1.part").open("w") as receiver:
        fcntl.flock(receiver, fcntl.LOCK_EX)
        receiver.write('{"open": 2}\n')
        receiver.flush()
        made = create.create_backup(house.settings, house.home / "with-events")
        receiver.write('{"open": 3}\n')
    (waiting / "2-1.part").rename(loaded / "2-1.jsonl")
    (waiting / "1-1.jsonl").rename(loaded / "1-1.jsonl")
    os.utime(loaded / "1-1.jsonl")
    os.utime(loaded / "2-1.jsonl")

    assert restore.restore_backup(house.settings, made.folder).events == 2

    assert {path.name: path.read_text() for path in waiting.glob("*.jsonl")} == {
        "1-1.jsonl": '{"waits": 1}\n',
        "2-1.jsonl": '{"open": 2}\n{"open": 3}\n',
    }
    assert [path.name for path in loaded.iterdir()] == ["0-1.jsonl"]


def test_events_that_get_another_name_while_they_are_copied_are_in_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting" / "1.jsonl").write_text("{}\n")
    copy = shutil.copyfile

    def taken_just_then(path: Path, to: Path) -> None:
        if path.name == "1.jsonl":
            path.rename(path.with_name("2.jsonl"))
        copy(path, to)

    monkeypatch.setattr(shutil, "copyfile", taken_just_then)
    create._copy_events(tmp_path / "waiting", tmp_path / "kept")
    assert (tmp_path / "kept" / "2.jsonl").read_text() == "{}\n"


def test_events_put_back_replace_none_that_wait(house: House) -> None:
    waiting = house.home / "whatsapp"
    made = create.create_backup(house.settings, house.home / "before-events")
    (waiting / "loaded").mkdir(parents=True)
    (waiting / "loaded" / "1.jsonl").write_text('{"loaded": 1}\n')
    (waiting / "1.jsonl").write_text('{"waits": 1}\n')

    assert restore.restore_backup(house.settings, made.folder).events == 1

    there = sorted(path.read_text() for path in waiting.glob("*.jsonl"))
    assert there == ['{"loaded": 1}\n', '{"waits": 1}\n']


def test_restore_waits_for_nobody(made_house: House) -> None:
    for held in (run_lock, backfill_lock):
        with held(made_house.database):
            said = made_house.call("restore", made_house.first)
        assert said.exit_code == 1
        assert "in progress on this database. Nothing was changed" in said.last_line
    assert made_house.published() == made_house.kept.before


def test_backups_are_for_the_owner_alone_and_the_newest_stay(
    made_house: House, tmp_path: Path
) -> None:
    settings = made_house.settings.model_copy(update={"backup_retention_count": 2})
    (tmp_path / ".new-2026-01-01T000000Z").mkdir()
    made = [create.create_backup(settings, tmp_path) for _ in range(3)]
    assert [one.removed for one in made] == [0, 0, 1]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        one.folder.name for one in made[1:]
    ]
    for path in made[-1].folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_backup_leads_back_from_a_state_that_a_newer_version_opened(house: House) -> None:
    with house.database.connect() as conn:
        conn.execute("insert into ops.migration (name, program) values ('9.9.9', '9.9.9')")
    refused = house.call("deliveries")
    assert refused.exit_code == 1
    assert "9.9.9" in refused.last_line

    said = house.call("restore", house.first)

    assert said.exit_code == 0, said.output
    assert house.published() == house.kept.before
    assert house.call("deliveries").exit_code == 0


def test_one_backup_at_a_time_in_a_folder(made_house: House, tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = made_house.call("backup", tmp_path)
    assert said.exit_code == 1
    assert "Another backup into" in said.last_line


def test_a_dump_that_fails_leaves_nothing_behind_and_repeats_no_row(
    made_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(create, "_copy_events", full)
    said = made_house.call("backup", tmp_path / "backups")
    assert said.exit_code == 1
    assert "No space left on device" in said.output
    assert "No backup was made" in said.output
    assert list((tmp_path / "backups").glob("*Z")) == []


def test_a_server_of_ones_own_is_told_what_its_role_lacks(kept: Kept, tmp_path: Path) -> None:
    kept.reset()
    program = Program(kept.home, kept.database)
    assert program.call("backup", tmp_path).exit_code == 0
    (made,) = list_backups(tmp_path)
    said = program.call("restore", made)
    assert said.exit_code == 1
    assert "alter role atendimento createdb" in said.output
    with kept.maintenance() as conn:
        conn.execute("alter role atendimento createdb")
    try:
        assert program.call("restore", made).exit_code == 0
        assert kept.published() == kept.before
    finally:
        with kept.maintenance() as conn:
            conn.execute("alter role atendimento nocreatedb")
            conn.execute("drop database trial_before_restore")
