"""A database of a test's own, made from a template and dropped at the end."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from orchestration.database import Database

_number = itertools.count()


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
