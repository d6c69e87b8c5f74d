"""`atendimento restore`: a backup beside the present database, proved, then in its place.

Until the two databases change names, in one transaction, the present one is what everybody uses;
after it, it stays as `<name>_before_restore`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration import VERSION
from orchestration.access import roles as access_roles
from orchestration.backup.create import (
    DUMP,
    EVENTS,
    FORMER_SUFFIX,
    BackupManifest,
    count_rows,
    read_manifest,
    sha256_of,
)
from orchestration.backup.incomplete_restore import (
    RESTORING_SUFFIX,
    drop_database,
    events_folder,
    maintenance_connection,
)
from orchestration.backup.preserved_state import erased_by_now, preserve_state
from orchestration.errors import DatabaseError, UserError
from orchestration.ingest.redaction import erasure_record
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.erasure_record import ErasureRecord
from orchestration.ingest.whatsapp import spool
from orchestration.ingest.whatsapp.redaction import event_files, redact_files
from orchestration.postgres import client_programs
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MadeByNewer, migrate, version_key
from orchestration.publication import recovery
from orchestration.runs.bootstrap import (
    backfill_lock,
    find_database,
    open_database,
    prepare_home,
    run_lock,
)
from orchestration.settings import Settings

_TURNS = 20


class RestoreError(UserError):
    """Nothing was restored; the message says why, and that the present state is as it was."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What stands now. `erased`: clients erased anew, because the backup still had them."""

    made_at: datetime
    program: str
    rows: int
    events: int
    erased: int
    former: str


def restore_backup(settings: Settings, folder: Path, *, without_key: bool = False) -> RestoreResult:
    """Put the state of a backup in the place of the present one.

    Args:
        settings: The state folder, and the database of the present state.
        folder: The backup.
        without_key: Restore although the state folder lacks the key of erased numbers.

    Returns:
        What stands now.

    Raises:
        RestoreError: The backup cannot be restored. The present state is as it was, here as with
            DatabaseError and RunInProgress.
        ErasureKeyMissing: The key of erased numbers is missing.
    """
    manifest = _verified(folder)
    prepare_home(settings)
    try:
        database = open_database(settings)
    except MadeByNewer:  # the way back to this version leads through here
        database = find_database(settings)
    _assert_roles(settings, database, manifest)
    name = database.parts["dbname"]
    coming = database.named(name + RESTORING_SUFFIX)
    with (
        run_lock(database),
        backfill_lock(database),
        maintenance_connection(settings, database) as server,
    ):
        erased = _erased(settings, database)
        try:
            _make(server, coming)
            client_programs.run_client_program(
                "pg_restore", coming, "--exit-on-error", "--no-owner",
                f"--jobs={min(4, os.cpu_count() or 1)}", str(folder / DUMP),
            )  # fmt: skip
            _assert_whole(coming, manifest)
            _bring_up(settings, coming)
            anew = preserve_state(settings.home, database, coming, erased, without_key=without_key)
            erasure_record.write_file(settings.home, erased)
            events = _put_back_events(settings, folder, manifest, anew.numbers)
            _swap(server, name)
        except BaseException as error:
            with suppress(psycopg.Error):
                drop_database(server, name + RESTORING_SUFFIX)
            if isinstance(error, (client_programs.ProgramFailed, psycopg.Error, OSError)):
                raise RestoreError(
                    f"The backup could not be restored: {_said(error)}\nNothing was changed; the "
                    "present state is as it was. Make room if the disk is full, or use another "
                    "backup."
                ) from None
            raise
    recovery.repair_current_link(database, settings.published)
    return RestoreResult(
        manifest.made_at,
        manifest.program,
        sum(manifest.rows.values()),
        events,
        anew.clients,
        name + FORMER_SUFFIX,
    )


def _said(error: BaseException) -> str:
    """What is told of an error: of PostgreSQL's own not its words, which may repeat rows."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error) if isinstance(error, DatabaseError) else type(error).__name__


def _verified(folder: Path) -> BackupManifest:
    untouched = "Nothing was changed; the present state is as it was."
    try:
        manifest = read_manifest(folder)
        for file in manifest.files:
            path = folder / file.name
            if path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
                raise RestoreError(
                    f"{path} is damaged: it is not what its manifest says. {untouched} Use "
                    "another backup."
                )
    except (OSError, ValueError) as error:
        raise RestoreError(
            f"{folder} holds no whole backup: {getattr(error, 'filename', None) or error}. "
            f"{untouched} Name the folder of one backup, as in var/backups/2026-11-20T133000Z."
        ) from error
    if version_key(manifest.program) > version_key(VERSION):
        raise RestoreError(
            f"The backup was made by version {manifest.program} of the program, and this is "
            f"{VERSION}. {untouched} Use {manifest.program} or newer."
        )
    return manifest


def _assert_roles(settings: Settings, database: Database, manifest: BackupManifest) -> None:
    """The roles that grants and policies of the dump name; those of the page are made here."""
    with database.connect() as conn:
        missing = _missing(conn, manifest.roles)
    if missing:
        access_roles.page_logins(settings, database)
    with database.connect() as conn:
        missing = _missing(conn, manifest.roles)
        if missing or conn.info.user not in manifest.roles:
            raise RestoreError(
                f"The backup belongs to the roles {', '.join(manifest.roles)}; on "
                f"{database.label} you are {conn.info.user}, and not there are: "
                f"{', '.join(missing) or 'none'}. Nothing was changed. Restore as the role that "
                "owned the database, and let an administrator make the others."
            )


def _missing(conn: psycopg.Connection, roles: Sequence[str]) -> list[str]:
    rows = conn.execute("select rolname from pg_roles where rolname = any(%s)", [list(roles)])
    return sorted(set(roles) - {name for (name,) in rows})


def _erased(settings: Settings, database: Database) -> ErasureRecord:
    try:
        return erased_by_now(settings.home, database)
    except ValueError as error:
        raise RestoreError(
            f"{error}, which names the erased clients, cannot be read. Nothing was changed. "
            "Mend it from another copy; without it the backup could bring them back."
        ) from error


def _make(server: psycopg.Connection, coming: Database) -> None:
    name, owner = coming.parts["dbname"], coming.parts["user"]
    drop_database(server, name)
    try:
        server.execute(
            sql.SQL("create database {} owner {} template template0").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
        )
    except psycopg.errors.InsufficientPrivilege:
        raise RestoreError(
            f"The role {owner} may not create databases on {coming.label}. Nothing was changed. "
            f"Let an administrator say `alter role {owner} createdb`, and restore again."
        ) from None


def _assert_whole(coming: Database, manifest: BackupManifest) -> None:
    with coming.connect() as conn:
        there = dict(count_rows(conn))
    wrong = sorted(table for table, rows in manifest.rows.items() if there.get(table) != rows)
    if wrong:
        raise RestoreError(
            f"After restoring, {', '.join(wrong)} did not have the rows that the manifest says. "
            "Nothing was changed; the present state is as it was. Use another backup."
        )


def _bring_up(settings: Settings, coming: Database) -> None:
    """Make the restored state this version's."""
    with coming.connect(application="atendimento restore") as conn:
        migrate(conn, home=settings.home)
        conn.commit()
        conn.autocommit = True
        conn.execute("analyze")


def _put_back_events(
    settings: Settings, folder: Path, manifest: BackupManifest, numbers: ErasedNumbers
) -> int:
    """Events that the restored database does not have wait for a run again; how many files.

    A run knows an event that it has already, so that one too many does no harm.
    """
    waiting = settings.whatsapp_spool
    coming = events_folder(settings)
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(mode=0o700, parents=True)
    for file in manifest.files:
        if file.name.startswith(f"{EVENTS}/"):
            copy = coming / Path(file.name).name
            copy.touch(mode=0o600)
            shutil.copyfile(folder / file.name, copy)
    redact_files(event_files(coming), numbers)
    loaded = waiting / spool.LOADED
    since = manifest.made_at.timestamp()
    back = []
    if loaded.is_dir():
        # Loaded after the backup was made.
        back += [path for path in loaded.iterdir() if path.stat().st_mtime >= since]
    # The file of that name which was loaded or waits still is the longer one.
    longer = {path.name for path in (*back, *waiting.iterdir())}
    back += [path for path in coming.iterdir() if path.name not in longer]
    for path in back:
        spool.move_file(path, waiting)
    shutil.rmtree(coming)
    spool.sync_folder(waiting)
    return len(back)


def _swap(server: psycopg.Connection, name: str) -> None:
    """The last step: all sessions end, and the two change names in one transaction."""
    drop_database(server, name + FORMER_SUFFIX)
    rename = sql.SQL("alter database {} rename to {}")
    for _ in range(_TURNS):
        try:
            with server.transaction():
                server.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = any(%s) and pid <> pg_backend_pid()",
                    [[name, name + RESTORING_SUFFIX]],
                )
                for old, new in ((name, name + FORMER_SUFFIX), (name + RESTORING_SUFFIX, name)):
                    server.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
        except psycopg.errors.ObjectInUse:
            continue  # somebody connected in that moment
        except psycopg.errors.InsufficientPrivilege:
            break
        return
    raise RestoreError(
        f"Somebody is connected to {name} and could not be sent away. Nothing was changed; the "
        "present state is as it was. Stop the lookup page and Dagster, then restore again."
    )
