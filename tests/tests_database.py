"""A server, and a database of a test's own, made from a template and dropped at the end."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate

_MIGRATED = f"test_{os.getpid()}_migrated"
_SETTINGS = """
shared_buffers = 128MB
fsync = off
full_page_writes = off
"""
_number = itertools.count()


def start_server(folder: Path) -> Database:
    """Start an embedded server of the tests' own.

    With little memory: each session that drops a table looks through all of it, and tests have
    many short ones. What it writes need not survive the machine, only the server.
    """
    usual = embedded._server_settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_server_settings", lambda: usual() + _SETTINGS)
        return embedded.start_server(folder)


@contextmanager
def fresh_database(
    postgres: Database, maintenance: psycopg.Connection, template: str = _MIGRATED
) -> Iterator[Database]:
    """A new database for the length of the `with` block, by default with all migrations applied."""
    with _created(postgres, maintenance, f"test_{os.getpid()}_{next(_number)}", template) as made:
        yield made


@contextmanager
def database_with_locale(
    postgres: Database, maintenance: psycopg.Connection, locale: str, encoding: str = "UTF8"
) -> Iterator[Database]:
    """A new database without migrations, with a locale of the C library."""
    name = f"test_{os.getpid()}_{next(_number)}"
    options = sql.SQL("encoding {} locale_provider libc locale {}").format(
        sql.Literal(encoding), sql.Literal(locale)
    )
    with _created(postgres, maintenance, name, "template0", options) as made:
        yield made


@contextmanager
def migrated_template(postgres: Database, maintenance: psycopg.Connection) -> Iterator[None]:
    """The template of `fresh_database` for the length of the `with` block."""
    with _created(postgres, maintenance, _MIGRATED, "template0") as made:
        with made.connect() as conn:
            migrate(conn)
        yield


@contextmanager
def _created(
    postgres: Database,
    maintenance: psycopg.Connection,
    name: str,
    template: str,
    options: sql.Composable | None = None,
) -> Iterator[Database]:
    owner = postgres.parts.get("user", "postgres")
    maintenance.execute(
        sql.SQL("create database {} template {} owner {} {}").format(
            *map(sql.Identifier, (name, template, owner)), options or sql.SQL("")
        )
    )
    try:
        yield postgres.named(name)
    finally:
        maintenance.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
