"""Applies the numbered migrations that a database has not had yet, by Alembic.

A migration is a revision of Alembic in `migrations/` and the SQL file of the same name beside it.
One that was released is never edited; a later one corrects it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from orchestration import VERSION
from orchestration.errors import DatabaseError
from orchestration.postgres import locks

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps the revision. Which versions of the program have opened the database is kept beside
# it, under a name that 0.3.0 knows and asks before it changes anything.
_STATE = """
select (select version_num from ops.alembic_version), array(select program from ops.migration)
"""


class MadeByNewer(DatabaseError, kind="DatabaseError"):
    """A newer version of the program has opened the database."""


def migrate(conn: psycopg.Connection, version: str = VERSION, folder: Path = MIGRATIONS) -> None:
    """Apply the migrations that are due, all in one transaction.

    Safe to call at every start: with nothing to do it costs one query and waits for no lock.

    Args:
        conn: A connection that is not in autocommit mode and has no transaction open.
        version: The version of this program.
        folder: The migrations of this program.

    Raises:
        MadeByNewer: A newer version has opened the database. Nothing was changed.

    """
    if is_current(conn, version, folder):
        return
    # Alembic takes 250 ms to import, which a start with nothing to do does not spend.
    from sqlalchemy import StaticPool, create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: conn, poolclass=StaticPool, use_native_hstore=False
    )
    try:
        with engine.begin() as connection:
            # Whoever waited for the lock must see what its former holder did.
            conn.execute("set transaction isolation level read committed")
            conn.execute("select pg_advisory_xact_lock(%s)", [locks.MIGRATION])
            if is_current(conn, version, folder):
                return
            conn.execute("create schema if not exists ops")
            _upgrade_to_head(connection, folder)
            conn.execute(
                "insert into ops.migration (name, program) values (%s, %s) on conflict do nothing",
                [version, version],
            )
    except DBAPIError as error:
        raise error.orig or error from None


def is_current(conn: psycopg.Connection, version: str = VERSION, folder: Path = MIGRATIONS) -> bool:
    """Whether this version has nothing to do to the database. Changes nothing.

    Args:
        conn: A connection; an open transaction stays as it is.
        version: The version of this program.
        folder: The migrations of this program.

    Raises:
        MadeByNewer: A newer version has opened the database.

    """
    revisions = [path.name[:4] for path in sorted(folder.glob("[0-9]*.sql"))]
    revision, programs = _state(conn)
    newest = max([version, *programs], key=version_key)
    if newest != version or revision not in (None, *revisions):
        raise MadeByNewer(
            f"The database was made by version {newest} of the program, and this is {version}. "
            f"Nothing was changed. Use {newest} or newer, or restore a backup of before "
            "(`atendimento restore`)."
        )
    return revision == max(revisions, default=None) and version in programs


def version_key(version: str) -> tuple[int, ...]:
    """A version of the program as what it is compared by."""
    return tuple(int(part) for part in version.split("."))


def execute_file(revision_file: str) -> None:
    """Execute the SQL file beside a revision, on the connection of the migration in progress.

    The driver takes the text as it is: SQLAlchemy would read `:name` and `%` in it as parameters.
    """
    from alembic import op

    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8"))
    cursor.close()


def _state(conn: psycopg.Connection) -> tuple[str | None, list[str]]:
    """The revision of the database, and the versions of the program that have opened it."""
    try:
        with conn.transaction():
            revision, programs = conn.execute(_STATE).fetchone() or (None, [])
            return revision, programs
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None, []


def _upgrade_to_head(connection: Connection, folder: Path) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder), version_locations=[str(folder)])
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
    ) as environment:
        environment.configure(connection, version_table_schema="ops")
        environment.run_migrations()
