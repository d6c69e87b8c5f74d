"""A published state to begin from again and again, and the delivery that is to come after it.

A first delivery is published, in a server of its own; `Kept.reset` makes a database and a home of
that state anew, in a second.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from deliveries import BASE, LATER, Row, agenda, dispatch, passive, reply, write
from forked_runs import Run, Workshop
from pipeline import PUBLISHED_TABLES
from psycopg import sql
from tests_database import start_server

from orchestration.postgres import embedded
from orchestration.postgres.database import Database

BEFORE, AFTER = "2026-11-20T10:00:00-03:00", "2026-11-21T12:00:00-03:00"
MANAGER: Row = {
    "user_id": "u2", "login": "bia", "full_name": "Bia", "role": "manager",
    "company_id": "c1", "active": "S",
}  # fmt: skip
FIRST = {
    **BASE,
    "app_user": (*BASE["app_user"], MANAGER),
    "user_company": (*BASE["user_company"], {"user_id": "u2", "company_id": "c2"}),
    "agenda": tuple(agenda(f"a{n}", agent_id="u1") for n in range(24)),
    "dispatch": tuple(
        dispatch(f"d{n}", agenda_id=f"a{n}", sent_at="2026-11-20T09:05:00-03:00") for n in range(12)
    ),
    "passive_contact": tuple(passive(f"w{n}") for n in range(4)),
}
SECOND = {
    "agenda": (
        *(agenda(f"a{n}", agent_id="u1", updated_at=LATER, closed_at=LATER) for n in range(4)),
        *(agenda(f"b{n}", company_id="c2", updated_at=LATER) for n in range(12)),
    ),
    "reply": tuple(
        reply(f"r{n}", dispatch_id=f"d{n}", updated_at=LATER, replied_at=LATER) for n in range(6)
    ),
}
_DATABASE, _KEPT = "trial", "kept"
Digest = tuple[str, ...]
"""Rows and checksum of each published table."""


def digest(conn: psycopg.Connection) -> Digest:
    """What is published, whatever the order of rows, as one statement sees it."""
    each = ", ".join(
        f"(select row(count(*), sum(hashtextextended(t::text, 0)))::text from marts.{table} as t)"
        for table in PUBLISHED_TABLES
    )
    found = conn.execute(f"select {each}".encode()).fetchone()
    assert found
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Kept:
    """The server and its trial database, whose home is `home`; what is published in it before the
    second delivery and after it; the run of it that nobody disturbed.
    """

    folder: Path
    workshop: Workshop
    before: Digest
    after: Digest
    undisturbed: Run

    @property
    def home(self) -> Path:
        """The home of the trial."""
        return self.folder / "home"

    @property
    def server(self) -> Path:
        """The server's data."""
        return self.folder / "postgres"

    @property
    def database(self) -> Database:
        """The database of the trial."""
        return embedded.server_database(self.server).named(_DATABASE)

    def run(self, settings: Mapping[str, str] | None = None, **how: Any) -> Run:
        """Run the second delivery (`Workshop.run`), with further settings."""
        return self.workshop.run({**self._settings, **(settings or {})}, *self._second, **how)

    def published(self) -> Digest:
        """What is published now."""
        with self.database.connect() as conn:
            return digest(conn)

    def reset(self, tablespace: str = "pg_default") -> None:
        """Make the trial's database and its home as they were after the first delivery."""
        with self.maintenance() as conn:
            _execute(conn, "drop database if exists {database} with (force)")
            # `file_copy` ends with a checkpoint. Without one, sequences that were read from the
            # template go back after a crash: PostgreSQL takes their last numbers for logged.
            _execute(
                conn,
                "create database {database} template {kept} owner {owner} strategy file_copy"
                f" tablespace {tablespace}",
            )
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.folder / "kept", self.home, symlinks=True)

    @contextmanager
    def maintenance(self) -> Iterator[psycopg.Connection]:
        """A connection of the server's superuser, in autocommit mode."""
        with _maintenance(self.server) as conn:
            yield conn

    @property
    def _settings(self) -> dict[str, str]:
        return {"HOME": str(self.home), "DATABASE_URL": self.database.url}

    @property
    def _second(self) -> tuple[str, ...]:
        return ("run", "--source", str(self.folder / "second"), "--as-of", AFTER)


@contextmanager
def kept_state() -> Iterator[Kept]:
    """Publish the first delivery, keep that, and run the second once."""
    # A short path: a Unix socket's name is at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    umask = os.umask(0o077)
    try:
        with Workshop() as workshop:
            nothing = Kept(folder, workshop, (), (), Run(0, "", {}))
            start_server(nothing.server)
            first = write(folder / "first", FIRST)
            write(folder / "second", SECOND)
            with nothing.maintenance() as conn:
                _execute(conn, "create database {database} template template0 owner {owner}")
            said = workshop.run(nothing._settings, "run", "--source", first, "--as-of", BEFORE)
            assert said.exit_code == 0, said.output
            shutil.copytree(nothing.home, folder / "kept", symlinks=True)
            with nothing.maintenance() as conn:
                _execute(conn, "alter database {database} rename to {kept}")
            nothing.reset()
            before = nothing.published()
            undisturbed = nothing.run()
            assert undisturbed.exit_code == 0, undisturbed.output
            after = nothing.published()
            assert before != after
            yield Kept(folder, workshop, before, after, undisturbed)
    finally:
        os.umask(umask)
        embedded.remove_server(folder / "postgres")
        shutil.rmtree(folder)


def _execute(conn: psycopg.Connection, statement: str) -> None:
    names = {"database": _DATABASE, "kept": _KEPT, "owner": embedded.OWNER}
    parts = {key: sql.Identifier(name) for key, name in names.items()}
    conn.execute(sql.SQL(statement).format(**parts))  # type: ignore[arg-type]


@contextmanager
def _maintenance(server: Path) -> Iterator[psycopg.Connection]:
    address = embedded.server_database(server).named("postgres", embedded.SUPERUSER)
    with psycopg.connect(address.url, autocommit=True) as conn:
        yield conn
