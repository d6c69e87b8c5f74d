"""`atendimento doctor`: what is configured, reachable, fresh and wrong, one line each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration import embedded
from orchestration.database import Database, DatabaseError
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at, and whether it is well."""

    what: str
    well: bool
    says: str


def examine(settings: Settings) -> Iterator[Line]:
    """Look at settings, folders, database and what the last run left. Changes nothing."""
    yield Line("home", settings.home.is_dir(), str(settings.home))
    yield _source(settings)
    yield _space(settings.home)
    database = (
        Database(settings.database_url)
        if settings.database_url
        else embedded.address(settings.home / "postgres")
    )
    try:
        with database.connect(application="atendimento doctor") as conn:
            yield Line("database", True, f"{database.label}, {conn.info.server_version // 10000}")
            yield from _state(conn)
    except DatabaseError as error:
        yield Line("database", False, str(error).splitlines()[0])
    index = settings.published / "current" / "index.html"
    yield Line("pages", index.exists(), str(index) if index.exists() else "none published yet")


def _source(settings: Settings) -> Line:
    source = settings.source
    if not source:
        return Line("source", True, "none set: name one with `run --source`, or use the inbox")
    there = "://" in source or Path(source).is_dir()
    return Line("source", there, "set" if there else f"{source} is not a folder")


def _space(folder: Path) -> Line:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    return Line("disk", free > 2048, f"{free:,} MB free")


def _state(conn: psycopg.Connection) -> Iterator[Line]:
    if not _exists(conn, "ops.publication"):
        yield Line("publication", False, "no run has been made yet: `atendimento run`")
        return
    row = conn.execute(
        "select as_of, published_at from ops.publication order by publication_id desc limit 1"
    ).fetchone()
    yield Line(
        "publication",
        row is not None,
        f"as of {row[0]}, published {row[1]}" if row else "nothing published yet",
    )
    if _exists(conn, "ops.delivery"):
        row = conn.execute(
            "select status, finished_at, coalesce(message, '') from ops.delivery"
            " order by delivery_id desc limit 1"
        ).fetchone()
        if row:
            yield Line("delivery", row[0] == "loaded", f"last {row[0]} {row[1]} {row[2]}".strip())
    running = conn.execute(
        "select backend_start from pg_stat_activity where application_name = 'atendimento run lock'"
    ).fetchone()
    yield Line("run", True, f"in progress since {running[0]}" if running else "none in progress")
    row = conn.execute(
        "select failed_at, message from ops.run_failure where failed_at >"
        " coalesce((select max(published_at) from ops.publication), '-infinity')"
        " order by failed_at desc limit 1"
    ).fetchone()
    since = f"failed {row[0]}: {row[1].splitlines()[0]}" if row else "none since the publication"
    yield Line("failure", row is None, since)
    failed = conn.execute(
        "select check_name from ops.check_result where not passed and run_id ="
        " (select run_id from ops.check_result order by checked_at desc limit 1)"
    ).fetchall()
    names = ", ".join(name for (name,) in failed)
    yield Line("checks", not failed, f"failed in the last run: {names}" if names else "all passed")


def _exists(conn: psycopg.Connection, relation: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", [relation]).fetchone()
    return row is not None and bool(row[0])
