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

_number = itertools.count()


def start_server(folder: Path) -> Database:
    """Start an embedded server of the tests' own, with little memory: each session that drops a
    table looks through all of it, and tests have many short ones.
    """
    usual = embedded._server_settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_server_settings", lambda: f"{usual()}shared_buffers = 128MB\n")
        return embedded.start_server(folder)


@contextmanager
def fresh_database(
    postgres: Database, maintenance: psycopg.Connection, template: str = "template0"
) -> Iterator[Database]:
    """A new database, a copy of the template, for the length of the `with` block."""
    name = f"test_{os.getpid()}_{next(_number)}"
    owner = postgres.parts.get("user", "postgres")
    maintenance.execute(
        sql.SQL("create database {} template {} owner {}").format(
            *map(sql.Identifier, (name, template, owner))
        )
    )
    try:
        yield postgres.named(name)
    finally:
        maintenance.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
