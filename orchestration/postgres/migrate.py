"""Applies the numbered migrations that this database has not had yet, through Alembic.

A migration is an Alembic revision in `migrations/` and the SQL file of the same name. A released
migration is never edited; a later one corrects it.
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

# Alembic stores the revision. `ops.migration` lists the versions of the program that have opened
# the database; 0.3.0 reads that table before it changes anything.
_STATE = """
select (select version_num from ops.alembic_version), array(select program from ops.migration)
"""


class MigrationError(DatabaseError, kind="DatabaseError"):
    """A migration could not be applied; the state is as it was."""


class MadeByNewer(DatabaseError, kind="DatabaseError"):
    """The database was opened by a newer version of the program."""


def migrate(
    conn: psycopg.Connection,
    version: str = VERSION,
    folder: Path = MIGRATIONS,
    *,
    home: Path | None = None,
) -> None:
    """Apply the pending migrations in one transaction.

    Safe to call at every start: without pending migrations it costs one query and waits for no
    lock.

    Args:
        conn: A connection that is not in autocommit mode and has no transaction open.
        version: The version of this program.
        folder: The migrations of this program.
        home: The state folder, for what a migration moves there.

    Raises:
        MadeByNewer: A newer version has opened the database. Nothing was changed.
        MigrationError: A migration could not be applied. Nothing was changed.
    """
    if is_current(conn, version, folder):
        return
    # Imported here: Alembic takes 250 ms to import, which most starts do not need.
    from sqlalchemy import StaticPool, create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: conn, poolclass=StaticPool, use_native_hstore=False
    )
    try:
        with engine.begin() as connection:
            # After the wait for the lock, the changes of its former holder must be visible.
            conn.execute("set transaction isolation level read committed")
            conn.execute("select pg_advisory_xact_lock(%s)", [locks.MIGRATION])
            if is_current(conn, version, folder):
                return
            conn.execute("create schema if not exists ops")
            _upgrade_to_head(connection, folder, home)
            conn.execute(
                "insert into ops.migration (name, program) values (%s, %s) on conflict do nothing",
                [version, version],
            )
    except DBAPIError as error:
        raise error.orig or error from None


def is_current(conn: psycopg.Connection, version: str = VERSION, folder: Path = MIGRATIONS) -> bool:
    """Return whether this version has no migration to apply. Changes nothing.

    Args:
        conn: A connection; an open transaction stays as it is.
        version: The version of this program.
        folder: The migrations of this program.

    Returns:
        False when a migration is pending or the version is not recorded yet.

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
    """Return a version as a tuple that compares in order."""
    return tuple(int(part) for part in version.split("."))


def execute_file(revision_file: str) -> None:
    """Execute the SQL file beside a revision, on the connection of the migration in progress.

    The text goes to the driver directly: SQLAlchemy would parse `:name` and `%` as parameters.
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


def _upgrade_to_head(connection: Connection, folder: Path, home: Path | None) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder), version_locations=[str(folder)])
    with EnvironmentContext(
        Config(attributes={"home": home}),
        scripts,
        fn=lambda revision, _: scripts._upgrade_revs("head", revision),
    ) as environment:
        environment.configure(connection, version_table_schema="ops")
        environment.run_migrations()
