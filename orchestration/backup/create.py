"""`atendimento backup`: everything that a run cannot make anew, in one folder, as of one moment.

    <folder>/2026-11-20T133000Z/database.dump     pg_dump -Fc; no schemas that dbt builds aside
                                whatsapp/         events that wait for a run
                                manifest.json     versions, sizes, sha256, rows of each table

Runs and the lookup page go on meanwhile; a publication or a load that comes to its end waits.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration import VERSION
from orchestration.backup.catalog import MANIFEST, backup_name, future_backups, list_backups
from orchestration.errors import UserError
from orchestration.ingest.whatsapp import spool
from orchestration.postgres import client_programs
from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings

# What a restore replaces stays under the database's name with this behind it.
FORMER_SUFFIX = "_before_restore"
DUMP, EVENTS = "database.dump", "whatsapp"
# dbt and each load make these anew; what is published stays, for the lookup page.
_LEFT_OUT = (
    "intermediate", "load_staging", "marts_next", "marts_previous", "measurements", "staging",
)  # fmt: skip
# Who is signed in, and what they searched for: nothing to bring back.
TRANSIENT = ("access.session", "access.openid_state")
_COUNTED = ("access", "history", "marts", "ops", "raw")
_HELD_SECONDS = 3_600  # a load of a first, large delivery holds its tables for many minutes
_TURN_SECONDS = 0.3  # less than the second after which PostgreSQL looks for deadlocks


class BackupError(UserError):
    """No backup was made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of a backup, by its path in it."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup says of itself. `rows`: of each table, in the dump's own snapshot."""

    program: str
    made_at: datetime
    server: int
    roles: tuple[str, ...]
    rows: dict[str, int]
    files: tuple[BackupFile, ...]

    def text(self) -> str:
        """As it is written."""
        return json.dumps(asdict(self) | {"made_at": self.made_at.isoformat()}, indent=1)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, and how many older ones were removed."""

    folder: Path
    manifest: BackupManifest
    removed: int

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return sum(file.bytes for file in self.manifest.files)


def read_manifest(folder: Path) -> BackupManifest:
    """What the backup in that folder says of itself; OSError, or ValueError when it is damaged."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return BackupManifest(
            program=str(said["program"]),
            made_at=datetime.fromisoformat(said["made_at"]),
            server=int(said["server"]),
            roles=tuple(map(str, said["roles"])),
            rows={str(table): int(rows) for table, rows in said["rows"].items()},
            files=tuple(BackupFile(**file) for file in said["files"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a manifest of a backup") from error


def create_backup(settings: Settings, folder: Path | None = None) -> Backup:
    """Make a backup in a new folder below `folder`; then remove the oldest of too many.

    Raises BackupError, with nothing left behind, and DatabaseError.
    """
    into = folder or settings.home / "backups"
    database = open_database(settings)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(into):
            for left_over in into.glob(".new-*"):
                shutil.rmtree(left_over)
            made_at = datetime.now(UTC)
            while (place := into / backup_name(made_at)).exists():
                time.sleep(0.1)
                made_at = datetime.now(UTC)
            making = into / f".new-{place.name}"
            try:
                making.mkdir(mode=0o700)
                manifest = _write(settings, database, making, made_at)
                making.rename(place)
                spool.sync_folder(into)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
            return Backup(place, manifest, _prune(into, settings.backup_retention_count))
    except OSError as error:
        raise BackupError(
            f"The backup could not be written to {into}: {error.strerror}. No backup was made; "
            "those that are there stay. Make room, or name another folder."
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                f"Another backup into {folder} is in progress. Nothing was changed."
            ) from None
        yield


def _write(
    settings: Settings, database: Database, making: Path, made_at: datetime
) -> BackupManifest:
    # Events first: one that a run loads meanwhile is then in both, and known when it comes again.
    _copy_events(settings.whatsapp_spool, making / EVENTS)
    rows, roles, server = _dump(database, making / DUMP)
    files = []
    for path in sorted(path for path in making.rglob("*") if path.is_file()):
        _sync(path)
        name = path.relative_to(making).as_posix()
        files.append(BackupFile(name, path.stat().st_size, sha256_of(path)))
    manifest = BackupManifest(VERSION, made_at, server, roles, rows, tuple(files))
    written = making / MANIFEST
    written.touch(mode=0o600)
    written.write_text(manifest.text(), encoding="utf-8")
    _sync(written)
    for folder in (making / EVENTS, making):
        spool.sync_folder(folder)
    return manifest


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_events(waiting: Path, to: Path) -> None:
    """Each file under a name that says it is closed: its last line may be a part of one.

    One that is not found is loaded, or has another name now: closed, or taken by a load that may
    yet fail. So they are looked for again.
    """
    to.mkdir(mode=0o700)
    missed = True
    while missed:
        missed = False
        for path in sorted(waiting.iterdir()) if waiting.is_dir() else ():
            is_open = path.name.endswith(spool.OPEN)
            is_regular = path.is_file() and not path.is_symlink()
            if is_regular and (is_open or spool.CLOSED in path.suffixes):
                kept = to / (path.with_suffix(spool.CLOSED).name if is_open else path.name)
                kept.touch(mode=0o600)
                try:
                    shutil.copyfile(path, kept)
                except FileNotFoundError:
                    kept.unlink()
                    missed = True


def _dump(database: Database, to: Path) -> tuple[dict[str, int], tuple[str, ...], int]:
    """Dump the database; the rows of each table, the page's roles, and the server's version."""
    to.touch(mode=0o600)
    last = time.monotonic() + _HELD_SECONDS
    while True:
        with database.connect(application="atendimento backup") as conn:
            if _lock_all(conn):
                row = conn.execute("select pg_export_snapshot()").fetchone()
                snapshot = str(row[0]) if row else ""
                if client_programs.run_client_program(
                    "pg_dump",
                    database,
                    "--format=custom", "--compress=gzip:1", "--enable-row-security",
                    f"--snapshot={snapshot}", f"--lock-wait-timeout={_TURN_SECONDS}s",
                    *(f"--exclude-schema={schema}" for schema in _LEFT_OUT),
                    *(f"--exclude-table-data={table}" for table in TRANSIENT),
                    f"--file={to}",
                    unless="due to (statement|lock) timeout",
                ):  # fmt: skip
                    return _rows(conn), _roles(conn), conn.info.server_version
            conn.rollback()
        if time.monotonic() > last:
            raise BackupError(
                "A run has held its tables for an hour. No backup was made: try again when it has "
                "ended (`atendimento doctor` shows since when it runs)."
            )
        time.sleep(_TURN_SECONDS)


def _lock_all(conn: psycopg.Connection) -> bool:
    """Lock every table against changes of its form, then nothing else; False to try again.

    What pg_dump reads by a snapshot it finds by name, in the newest catalogue: a swap or a load
    that ends between the two would leave tables empty in the dump. Waits in short turns, so that
    no run ever stands behind us while we stand behind it.
    """
    tables = conn.execute(
        """
        select n.nspname, c.relname from pg_class as c join pg_namespace as n
        on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname = any(%s)
        """,
        [[*_COUNTED, "dagster"]],
    ).fetchall()
    conn.commit()
    conn.execute("set transaction isolation level repeatable read")
    conn.execute(f"set local lock_timeout = '{_TURN_SECONDS}s'")
    named = sql.SQL(", ").join(sql.Identifier(*table) for table in tables)
    try:
        conn.execute(sql.SQL("lock table {} in access share mode").format(named))
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
    ):
        return False
    return True


def _rows(conn: psycopg.Connection) -> dict[str, int]:
    return dict(count_rows(conn)) | dict.fromkeys(TRANSIENT, 0)


def count_rows(conn: psycopg.Connection) -> Iterator[tuple[str, int]]:
    """Each table that is ours, and how many rows it has."""
    tables = conn.execute(
        """
        select n.nspname, c.relname from pg_class as c join pg_namespace as n
        on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname = any(%s) order by 1, 2
        """,
        [list(_COUNTED)],
    ).fetchall()
    for schema, table in tables:
        count = conn.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
        ).fetchone()
        yield f"{schema}.{table}", count[0] if count else 0


def _roles(conn: psycopg.Connection) -> tuple[str, ...]:
    """The roles that the dump's grants and policies name."""
    rows = conn.execute(
        "select rolname from pg_roles where rolname = current_user"
        " or rolname in (select role_name from access.login) order by 1"
    ).fetchall()
    return tuple(name for (name,) in rows)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(folder: Path, newest: int) -> int:
    # One dated in the future never takes the place of one that was just made.
    future = future_backups(folder, datetime.now(UTC))
    old = [path for path in list_backups(folder) if path not in future][:-newest]
    for path in old:
        going = folder / f".new-{path.name}"  # half removed, it must not look like a backup
        path.rename(going)
        shutil.rmtree(going)
    return len(old)
