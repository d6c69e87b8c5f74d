"""What every run needs before it starts: folders, a database that answers, the run lock."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from orchestration.errors import DatabaseError, UserError
from orchestration.postgres import embedded, locks
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate
from orchestration.runs import failure_file
from orchestration.settings import ROOT, Settings, SettingsError

if TYPE_CHECKING:
    from dagster import DagsterInstance


class RunInProgress(UserError):
    """Another run holds the lock."""


class RunLockLost(UserError):
    """The session that held the run's lock is gone: another run may have begun."""


@dataclass(frozen=True, slots=True)
class Warehouse(Database):
    """The database while one run holds it. `holder` is the session with the lock."""

    holder: psycopg.Connection

    def assert_held(self) -> None:
        """Ask that session whether it is there still; its lock ends with it, not before.

        Raises RunLockLost. A restart of the server ends every session; the run goes on with new
        ones and would publish beside a run that has begun since.
        """
        try:
            self.holder.execute("select 1")
        except psycopg.Error as error:
            raise RunLockLost(
                "The database was restarted during the run, or ended the session that held the "
                "run's lock. Nothing was published; the published state is as it was. Run again."
            ) from error


def prepare_home(settings: Settings) -> Path:
    """Make the state folder (owner only); return Dagster's home in it, its settings in place."""
    dagster_home = settings.home / "dagster"
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (dagster_home, settings.home / "dbt"):
            folder.mkdir(mode=0o700, exist_ok=True)
        _put(ROOT / "deploy" / "dagster.yaml", dagster_home / "dagster.yaml")
    except OSError as error:
        raise SettingsError(
            f"The folder for state, {settings.home}, cannot be used: {error.strerror}. "
            "Set ATENDIMENTO_HOME to a folder you may write to."
        ) from error
    return dagster_home


def _put(source: Path, place: Path) -> None:
    """Copy a file whole: whoever reads it meanwhile, as a run that starts, must not see half."""
    text = source.read_bytes()
    if place.exists() and place.read_bytes() == text:
        return
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    fresh.write_bytes(text)
    fresh.replace(place)


def open_database(settings: Settings) -> Database:
    """The database of the settings, embedded or not, ready for a run.

    Raises DatabaseError when it is unreachable, too old, of another encoding, may not be written
    to, or was made by a newer version of the program.
    """
    database = find_database(settings)
    with database.connect() as conn:
        database.assert_fit(conn)
        try:
            migrate(conn, home=settings.home)
            failure_file.store_kept_failure(settings.home, conn)
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(
                f"The user of {database.label} may not create schemas there: "
                "grant it `create` on the database. Nothing was changed."
            ) from error
        except OSError as error:
            raise DatabaseError(
                f"The state folder cannot be used: {error.filename}: {error.strerror}. Nothing was "
                "changed. Give this account the right to write to it, and make room."
            ) from error
        except psycopg.Error as error:
            # What PostgreSQL says of tables without rows of persons names none.
            said = error.diag.message_primary or "the connection was lost"
            raise DatabaseError(
                f"The database {database.label} cannot be used: {said}. Nothing was changed. Look "
                "at the rights of its user, its room and its log."
            ) from error
    return database


@contextmanager
def open_database_and_instance(settings: Settings) -> Iterator[tuple[Database, DagsterInstance]]:
    """The database of the settings and the Dagster instance in it, until the block ends."""
    prepare_home(settings)
    database = open_database(settings)
    export_environment(settings, database)

    from dagster import DagsterInstance  # imported late: it takes seconds

    with DagsterInstance.get() as instance:
        yield database, instance


def find_database(settings: Settings) -> Database:
    """The database of the settings as it is, the embedded one started where it may be."""
    if settings.database_url:
        return Database(settings.database_url)
    data_directory = settings.home / "postgres"
    # A server started by a service would end with that service.
    return (embedded.start_server if settings.embedded_autostart else embedded.server_database)(
        data_directory
    )


def export_environment(settings: Settings, database: Database) -> None:
    """Tell Dagster, which reads the environment, where everything is."""
    os.environ["DAGSTER_HOME"] = str(settings.home / "dagster")
    os.environ["ATENDIMENTO_DAGSTER_URL"] = database.sqlalchemy_url("psycopg2")
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextmanager
def run_lock(database: Database, *, wait: bool = False) -> Iterator[Warehouse]:
    """Hold the lock of the one run at a time; a run that dies lets go of it by dying.

    When another run holds it: `wait` until it ends, or raise RunInProgress.
    """
    # Not a `with` block: that would commit at its end, which fails when the server was restarted.
    conn = database.connect(application="atendimento run lock")
    try:
        conn.autocommit = True
        row = conn.execute("select pg_try_advisory_lock(%s)", [locks.RUN]).fetchone()
        if wait and row == (False,):
            conn.execute("select pg_advisory_lock(%s)", [locks.RUN])
        elif row != (True,):
            raise RunInProgress(
                "Another run is in progress on this database. Nothing was changed: wait for it to "
                "end (`atendimento doctor` shows since when it runs) and run again."
            )
        yield Warehouse(database.url, conn)
    finally:
        conn.close()


@contextmanager
def backfill_lock(database: Database) -> Iterator[None]:
    """Hold the lock of the one backfill at a time. When another holds it, RunInProgress."""
    with database.connect(application="atendimento backfill") as conn:
        conn.autocommit = True
        row = conn.execute("select pg_try_advisory_lock(%s)", [locks.BACKFILL]).fetchone()
        if row != (True,):
            raise RunInProgress(
                "Another backfill is in progress on this database. Nothing was changed: wait for "
                "it to end and start again."
            )
        yield
