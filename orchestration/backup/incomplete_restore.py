"""What a restore that was killed leaves: a database beside the one in use, a folder of events.

Whoever removes them holds the run lock of the database in use: a restore under way holds it too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.errors import DatabaseError
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.settings import Settings

# The database being restored has the name of the one in use with this behind it.
RESTORING_SUFFIX = "_restoring"


def events_folder(settings: Settings) -> Path:
    """Where a restore copies the events of the backup first."""
    return settings.whatsapp_spool / ".restoring"


def has_incomplete_restore(settings: Settings, conn: psycopg.Connection) -> bool:
    """Whether a restore is under way or left something; `conn` is to the database in use."""
    return (
        events_folder(settings).exists() or database_with_suffix(conn, RESTORING_SUFFIX) is not None
    )


def remove_incomplete_restore(settings: Settings, database: Database) -> None:
    """Remove both. The database stays where the role may not drop it; OSError for the folder."""
    folder = events_folder(settings)
    if folder.exists():
        shutil.rmtree(folder)
    with database.connect() as conn:
        name = database_with_suffix(conn, RESTORING_SUFFIX)
    if name:
        with (
            suppress(psycopg.Error, DatabaseError),
            maintenance_connection(settings, database) as server,
        ):
            drop_database(server, name)


def database_with_suffix(conn: psycopg.Connection, ending: str) -> str | None:
    """The database called like the one in use with that ending, when it is there."""
    row = conn.execute(
        "select datname from pg_database where datname = current_database() || %s", [ending]
    ).fetchone()
    return row[0] if row else None


@contextmanager
def maintenance_connection(settings: Settings, database: Database) -> Iterator[psycopg.Connection]:
    """A connection beside the database, that may make, rename and drop it."""
    user = None if settings.database_url else embedded.SUPERUSER
    conn = database.named("postgres", user).connect(application="atendimento restore")
    try:
        conn.autocommit = True
        yield conn
    finally:
        conn.close()


def drop_database(server: psycopg.Connection, name: str) -> None:
    """Drop a database, whoever is connected to it."""
    server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
