"""Migrations: applied once, by whoever comes first, without making anybody wait afterwards."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from orchestration import VERSION
from orchestration.errors import DatabaseError
from orchestration.ingest.contract import SOURCE_TABLES
from orchestration.ingest.raw_tables import primary_key
from orchestration.postgres import locks, session
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MIGRATIONS, MadeByNewer, is_current, migrate
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings
from tests.upgrade.catalogue import catalogue

REVISION = """
from orchestration.postgres.migrate import execute_file

revision = "{0:04}"
down_revision = {1!r}


def upgrade() -> None:
    execute_file(__file__)
"""


def folder_of(folder: Path, *statements: str) -> Path:
    """A folder of migrations that build on each other."""
    folder.mkdir(exist_ok=True)
    for number, statement in enumerate(statements, 1):
        before = f"{number - 1:04}" if number > 1 else None
        (folder / f"{number:04}_step.py").write_text(REVISION.format(number, before))
        (folder / f"{number:04}_step.sql").write_text(
            "create table if not exists ops.migration (name text primary key, program text);"
            + statement
        )
    return folder


def settings(database: Database, home: Path, **options: str) -> Settings:
    url = psycopg.conninfo.make_conninfo(database.url, **options)
    return Settings(home=home, database_url=url)


def test_migrations_are_applied_in_order_and_once(empty_database: Database, tmp_path: Path) -> None:
    create, rename = "create table ops.thing (old text);", "alter table ops.thing rename old to new"
    with empty_database.connect() as conn:
        migrate(conn, "0.4.0", folder_of(tmp_path, create))
        assert is_current(conn, "0.4.0", tmp_path)
        assert not is_current(conn, "0.4.0", folder_of(tmp_path, create, rename))
        for _ in range(2):
            migrate(conn, "0.4.0", tmp_path)
        conn.execute("select new from ops.thing")
        assert not is_current(conn, "0.5.0", tmp_path)
        migrate(conn, "0.5.0", tmp_path)
        programs = conn.execute("select program from ops.migration order by 1").fetchall()
        assert programs == [("0.4.0",), ("0.5.0",)]


def test_what_looks_like_a_parameter_is_text(empty_database: Database, tmp_path: Path) -> None:
    with empty_database.connect() as conn:
        migrate(conn, "0.4.0", folder_of(tmp_path, "create table ops.a as select ':x %s %' as t"))
        assert conn.execute("select t from ops.a").fetchone() == (":x %s %",)


def test_one_that_fails_undoes_all_and_is_tried_again(
    empty_database: Database, tmp_path: Path
) -> None:
    before = catalogue(empty_database)
    steps = "create table ops.a ()", "create table ops.b (); select 1 / 0"
    with empty_database.connect() as conn:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(conn, "0.4.0", folder_of(tmp_path, *steps))
        assert catalogue(empty_database) == before
        migrate(conn, "0.4.0", folder_of(tmp_path, steps[0], "create table ops.b ()"))
        assert is_current(conn, "0.4.0", tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "insert into ops.migration (name, program) values ('0.10.0', '0.10.0')",
        "update ops.alembic_version set version_num = '9999'",
    ],
)
def test_a_database_of_a_newer_version_is_refused_and_not_touched(
    database: Database, tmp_path: Path, change: str
) -> None:
    with database.connect() as conn:
        conn.execute(change.encode())
    before = catalogue(database)
    with pytest.raises(MadeByNewer, match=f"this is {VERSION}. Nothing was changed"):
        open_database(settings(database, tmp_path))
    assert catalogue(database) == before


def test_nobody_waits_for_a_backup_or_a_load(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connect() as conn:
        used = conn.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('raw', 'ops', 'history', 'access')"
        ).fetchall()
        for (table,) in used:
            conn.execute(f"lock table {table} in access share mode".encode())
        conn.execute("lock table raw.rejected_row, ops.delivery in row exclusive mode")
        conn.execute("select pg_advisory_xact_lock(%s)", [locks.MIGRATION])
        monkeypatch.setitem(session.SETTINGS, "lock_timeout", "2s")
        open_database(settings(database, tmp_path))


def test_many_may_start_at_once(empty_database: Database, tmp_path: Path) -> None:
    isolation = "-c default_transaction_isolation=serializable"
    given = settings(empty_database, tmp_path, options=isolation)
    with ThreadPoolExecutor(6) as pool:
        for opened in pool.map(open_database, [given] * 6):
            assert opened.parts["dbname"] == empty_database.parts["dbname"]


def test_what_may_not_be_written_to_is_said(
    empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session.SETTINGS, "default_transaction_read_only", "on")  # as a standby
    with pytest.raises(DatabaseError, match=r"cannot execute .* in a read-only transaction"):
        open_database(settings(empty_database, tmp_path))


def test_a_role_that_may_not_create_schemas_is_told(
    empty_database: Database, maintenance: psycopg.Connection, tmp_path: Path
) -> None:
    maintenance.execute("create role test_no_schemas login")
    try:
        reader = settings(empty_database, tmp_path, user="test_no_schemas")
        with pytest.raises(DatabaseError, match="may not create schemas"):
            open_database(reader)
    finally:
        maintenance.execute("drop role test_no_schemas")


def test_the_raw_tables_are_those_of_the_source_contract(database: Database) -> None:
    """Columns that a migration added come last in the table; statements name their columns."""

    def typed(kind: str, sql_type: str) -> tuple[str, str | None]:
        catalogued = {"timestamptz": "timestamp with time zone"}.get(sql_type, sql_type)
        collation = '"C"' if kind == "id" else '"default"' if sql_type == "text" else "-"
        return catalogued, collation

    with database.connect() as conn:
        for table in SOURCE_TABLES:
            company = [("company_id", "text", '"C"', True)] if table.company_from else []
            promised = [
                (column.name, *typed(column.kind, column.sql_type), not column.nullable)
                for column in table.columns
            ]
            found = conn.execute(
                "select attname::text, format_type(atttypid, atttypmod),"
                " attcollation::regcollation::text, attnotnull from pg_attribute"
                " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
                " order by attnum",
                [f"raw.{table.name}"],
            ).fetchall()
            expected = [*company, *promised, ("delivery_id", "bigint", "-", True)]
            assert sorted(found) == sorted(expected), table.name
            key = conn.execute(
                "select pg_get_constraintdef(oid) from pg_constraint"
                " where conrelid = to_regclass(%s) and contype = 'p' and conname = %s",
                [f"raw.{table.name}", f"{table.name}_pkey"],
            ).fetchone()
            assert key == (f"PRIMARY KEY ({', '.join(primary_key(table))})",)
            comments = conn.execute(
                "select obj_description(c.oid, 'pg_class'), array(select col_description(c.oid, n)"
                " from generate_series(1, c.relnatts) as n where col_description(c.oid, n) <> '')"
                " from pg_class as c where c.oid = to_regclass(%s)",
                [f"raw.{table.name}"],
            ).fetchone()
            described = [column.description for column in table.columns if column.description]
            assert comments is not None
            assert (comments[0], sorted(comments[1])) == (table.description, sorted(described))


def test_each_revision_has_its_sql_and_none_was_edited() -> None:
    """Once released, a migration stays as it is: databases have applied it. A later one corrects.

    A new one gets its line here: `sha256sum orchestration/postgres/migrations/*.sql`.
    """
    listed = (Path(__file__).parent / "migrations.sha256").read_text(encoding="utf-8")
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MIGRATIONS.glob("*.sql")
    }
    assert found == {name: digest for digest, name in map(str.split, listed.splitlines())}
    assert {path.stem for path in MIGRATIONS.glob("*.py")} == {Path(name).stem for name in found}


def test_all_tables_of_ours_are_made_by_migrations(root: Path) -> None:
    """No Python string defines anything in a schema that outlives a run."""
    defines = re.compile(
        r"\b(create|alter)\s+(or replace\s+)?(table|view|index|function|schema|policy)\s+"
        r"(if not exists\s+)?(raw|ops|access|history)\b"
    )
    for path in {*(root / "orchestration").rglob("*.py")} - {MIGRATIONS.parent / "migrate.py"}:
        assert not defines.search(path.read_text(encoding="utf-8")), path.relative_to(root)


def test_replies_of_events_loaded_before_they_were_told_apart(empty_database: Database) -> None:
    """0001: where a load had events and no replies, its replies are WhatsApp's."""
    state = (MIGRATIONS / "0001_state_of_0_3_0.sql").read_bytes()
    with empty_database.connect() as conn:
        conn.execute(state)
        conn.execute("drop table raw.whatsapp_reply")
        conn.execute(
            "insert into ops.delivery (source, run_id, started_at, status)"
            " select 'a folder', '', now(), 'loaded' from generate_series(1, 2);"
            "insert into ops.delivery_file values (1, 'reply', 'r.csv', 1, 1, 0, 0, 0),"
            " (2, 'whatsapp_event', 'e.jsonl', 1, 1, 0, 0, 0);"
            "insert into raw.reply select 'c1', 'r' || n, now(), 'd1', 'o1', now(), n"
            " from generate_series(1, 2) as n"
        )
        conn.execute(state)
        kept = conn.execute("select reply_id, laid from raw.whatsapp_reply").fetchall()
    assert kept == [("r2", True)]
