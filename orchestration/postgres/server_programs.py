"""Starts the embedded server's programs under its account, from any process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

from orchestration.errors import DatabaseError
from orchestration.postgres.server_place import ServerPlace

# Given a user, a group or a function to call, `subprocess` forks through the handlers of other
# libraries, and gRPC's crash in a child of Dagster's code server. Without one it does not call them
# (vfork). So a Python of its own changes the user, and becomes the program.
_AS_ACCOUNT = (
    "import os, sys; user, group = map(int, sys.argv[1:3]); os.setgroups([]); os.setgid(group); "
    "os.setuid(user); os.execv(sys.argv[3], sys.argv[3:])"
)
# Not this process's environment: it holds passwords, and variables that change a server.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def run_program(
    place: ServerPlace,
    program: str,
    *arguments: str,
    output: IO[str],
    keep_open: Sequence[int] = (),
) -> int:
    """Run a program of the wheel to its end.

    Args:
        place: The server's place, with the programs and the account.
        program: Name of the program.
        arguments: Arguments of the program.
        output: The file for its output. A server that it starts keeps the file open, and would keep
            a pipe open.
        keep_open: File descriptors that the program inherits.

    Returns:
        Its exit code; negative when a signal ended it.

    Raises:
        DatabaseError: The program cannot be started.
    """
    command = [str(place.programs / program), *arguments]
    if account := place.account:
        ids = (str(account.pw_uid), str(account.pw_gid))
        command = [sys.executable, "-I", "-S", "-c", _AS_ACCOUNT, *ids, *command]
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            cwd="/",
            env=_ENVIRONMENT,
            pass_fds=keep_open,
            start_new_session=True,
        ).returncode
    except OSError as error:
        raise DatabaseError(
            f"The embedded PostgreSQL's program {program} cannot be started: {error.strerror}. "
            f"Nothing was changed. It is in {place.programs}."
        ) from error
