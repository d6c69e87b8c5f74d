"""Whatever somebody made the default of a session, the same delivery publishes the same tables."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from hostile_defaults import ENVIRONMENT, HOSTILE
from pipeline import Program
from pooler import PGBOUNCER, pgbouncer
from psycopg import sql
from tests_database import database_with_locale, fresh_database

from orchestration.postgres import session
from tests.conftest import PublishedDemo

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"

# What results must not depend on either: by which plan they are computed.
OTHER_PLANS = {
    "enable_hashjoin": "off",
    "enable_hashagg": "off",
    "enable_seqscan": "off",
    "debug_parallel_query": "on",
    "work_mem": "64kB",
}
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
    """Defaults of an owner for the length of the `with` block."""
    session.pin(maintenance)  # its own would be cut short
    try:
        for name, value in settings.items():
            given = (
                sql.SQL(", ").join(sql.Identifier(part) for part in value.split(", "))
                if name == "search_path"
                else sql.Literal(value)
            )
            maintenance.execute(
                sql.SQL("alter {} set {} = {}").format(owner, sql.Identifier(name), given)
            )
        maintenance.execute("select pg_reload_conf()")  # for defaults of the server
        yield
    finally:
        maintenance.execute(sql.SQL("alter {} reset all").format(owner))
        maintenance.execute("select pg_reload_conf()")


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
        "server": sql.SQL("system"),
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
    with ExitStack() as all_at_once:
        for owner in owners(hostile).values():
            all_at_once.enter_context(defaults(maintenance, owner, HOSTILE))
        assert run(hostile, published_demo) == published(program)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("owner", "settings"),
    [
        ("role", HOSTILE),
        ("database", HOSTILE),
        ("server", HOSTILE),
        *(("role in database", {name: value}) for name, value in HOSTILE.items()),
        ("role in database", {"default_transaction_isolation": "serializable"}),
        ("role in database", OTHER_PLANS),
    ],
)
def test_a_hostile_default_of_one_kind_changes_no_published_table(
    hostile: Program,
    program: Program,
    published_demo: PublishedDemo,
    maintenance: psycopg.Connection,
    owner: str,
    settings: dict[str, str],
) -> None:
    with defaults(maintenance, owners(hostile)[owner], settings):
        assert run(hostile, published_demo) == published(program)


@pytest.mark.proof
@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_a_variable_of_libpq_changes_no_published_table(
    hostile: Program,
    program: Program,
    published_demo: PublishedDemo,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, ENVIRONMENT[variable])
    assert run(hostile, published_demo) == published(program)


@pytest.mark.proof
@pytest.mark.parametrize("locale", ["C", "C.utf8", "en_US.utf8", "pt_BR.utf8", "tr_TR.utf8"])
def test_the_locale_of_the_database_changes_no_published_table(
    tmp_path: Path,
    program: Program,
    published_demo: PublishedDemo,
    maintenance: psycopg.Connection,
    locale: str,
) -> None:
    if locale not in subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout:
        pytest.skip(f"the locale {locale} is not installed")
    with database_with_locale(program.database, maintenance, locale) as database:
        assert run(Program(tmp_path / "home", database), published_demo) == published(program)


@pytest.mark.proof
@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_a_pooler_of_sessions_changes_no_published_table(
    hostile: Program, program: Program, published_demo: PublishedDemo, tmp_path: Path
) -> None:
    with pgbouncer(hostile.database, tmp_path, pool_mode="session") as pooled:
        through = Program(tmp_path / "home", pooled)
        assert run(through, published_demo) == published(program)
