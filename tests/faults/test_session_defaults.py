"""Whatever somebody made the default of a session, the same delivery publishes the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hostile_defaults import ENVIRONMENT, HOSTILE
from pipeline import Program
from psycopg import sql
from tests_database import fresh_database

from tests.conftest import PublishedDemo

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"

_SCHEMA = """
create schema hostile;
create function hostile.lower(text) returns text language sql as $$ select 'hostile' $$;
create table hostile.agenda_status (agenda_id text);
grant usage on schema hostile to public;
grant select on hostile.agenda_status to public;
"""


def published(program: Program) -> dict[str, tuple[int, int]]:
    """The number of rows and a checksum of each table and view in `marts`."""
    with program.database.connect() as conn:
        names = conn.execute(
            "select relname from pg_class where relnamespace = 'marts'::regnamespace"
            " and relkind in ('r', 'v') order by 1"
        ).fetchall()
        return {
            name: conn.execute(
                sql.SQL("select count(*), sum(hashtextextended(t::text, 0)) from {} as t").format(
                    sql.Identifier("marts", name)
                )
            ).fetchone()  # type: ignore[misc]
            for (name,) in names
        }


@contextmanager
def defaults(
    maintenance: psycopg.Connection, owner: sql.Composable, settings: Mapping[str, str]
) -> Iterator[None]:
    """Defaults of a role, a database, or both, for the length of the `with` block."""
    try:
        for name, value in settings.items():
            value_sql = (
                sql.SQL(", ").join(sql.Identifier(part) for part in value.split(", "))
                if name == "search_path"
                else sql.Literal(value)
            )
            maintenance.execute(
                sql.SQL("alter {} set {} = {}").format(owner, sql.Identifier(name), value_sql)
            )
        yield
    finally:
        maintenance.execute(sql.SQL("alter {} reset all").format(owner))


@pytest.fixture
def hostile(
    tmp_path: Path, published_demo: PublishedDemo, maintenance: psycopg.Connection
) -> Iterator[Program]:
    """The program over an empty database, which has a schema with names of ours."""
    with fresh_database(published_demo.program.database, maintenance, "template0") as database:
        with database.connect() as conn:
            conn.execute(_SCHEMA)
        yield Program(tmp_path / "home", database)


def owners(program: Program) -> dict[str, sql.Composable]:
    """Who may have defaults of its own, as `alter` names it."""
    parts = program.database.parts
    role, database = sql.Identifier(parts["user"]), sql.Identifier(parts["dbname"])
    return {
        "role": sql.SQL("role {}").format(role),
        "database": sql.SQL("database {}").format(database),
        "role in database": sql.SQL("role {} in database {}").format(role, database),
    }


def run(program: Program, published_demo: PublishedDemo) -> dict[str, tuple[int, int]]:
    said = program.call("run", "--source", published_demo.program.home / "demo", "--as-of", AS_OF)
    assert said.exit_code == 0, said.output
    return published(program)


def test_hostile_defaults_of_every_kind_change_no_published_table(
    hostile: Program,
    program: Program,
    published_demo: PublishedDemo,
    maintenance: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    role, database, both = owners(hostile).values()
    with (
        defaults(maintenance, role, HOSTILE),
        defaults(maintenance, database, HOSTILE),
        defaults(maintenance, both, HOSTILE),
    ):
        assert run(hostile, published_demo) == published(program)
