"""The settings of a session: complete, and pinned by every library, whatever the defaults are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hostile_defaults import ENVIRONMENT, HOSTILE, with_hostile_options

from orchestration.postgres import session
from orchestration.postgres.client_programs import run_client_program
from orchestration.postgres.database import Database
from orchestration.publication import dbt
from orchestration.runs.dagster_storage import PooledStorage
from reports.lookup.connections import ConnectionPools, page_settings

SHOWN = "select name, setting from pg_settings where lower(name) = any(array[{}])".format(
    ", ".join(f"'{name}'" for name in session.SETTINGS)
)
# Groups of settings that change speed, memory, disk, network or logs, and never a value.
OF_NO_CONSEQUENCE = (
    "Connections and Authentication", "Developer Options", "Query Tuning", "Replication",
    "Reporting and Logging", "Resource Usage", "Statistics", "Vacuuming", "Write-Ahead Log",
)  # fmt: skip
# The same, of the other groups; and what no statement of ours uses.
HARMLESS = {
    "backslash_quote", "check_function_bodies", "client_min_messages", "createrole_self_grant",
    "default_table_access_method", "default_tablespace", "default_text_search_config",
    "default_toast_compression", "escape_string_warning", "gin_pending_list_limit",
    "icu_validation_level", "local_preload_libraries", "synchronize_seqscans", "temp_tablespaces",
    "xmlbinary", "xmloption",
    # Of one transaction; a session has `default_transaction_…`.
    "transaction_deferrable", "transaction_isolation", "transaction_read_only",
}  # fmt: skip


def normal(settings: list[tuple[str, str]]) -> dict[str, str]:
    """Settings as PostgreSQL shows them, in the spelling of `session.SETTINGS`."""
    return {
        name.lower(): value.strip('"') if name == "search_path" else value
        for name, value in settings
    }


def of_psycopg(database: Database) -> list[tuple[str, str]]:
    with database.connect() as conn:
        return conn.execute(SHOWN.encode()).fetchall()


def of_dbt(database: Database) -> list[tuple[str, str]]:
    from dbt.adapters.contracts.connection import Connection
    from dbt.adapters.postgres import PostgresAdapter, PostgresCredentials

    dbt._pin_sessions()
    parts = database.parts
    credentials = PostgresCredentials(
        host=parts["host"], port=int(parts["port"]), user=parts["user"], password="",
        database=parts["dbname"], schema="staging",
    )  # fmt: skip
    with dbt._environment(**database.dbt_environment()):
        opened = PostgresAdapter.ConnectionManager.open(
            Connection(type="postgres", name="test", credentials=credentials)
        )
    try:
        return settings_of(opened.handle)
    finally:
        opened.handle.close()


def of_dagster(database: Database) -> list[tuple[str, str]]:
    storage = PooledStorage(database.sqlalchemy_url("psycopg2"))
    raw = storage._run_storage._engine.raw_connection()
    try:
        assert raw.cursor().connection.encoding == "UTF8"
        return settings_of(raw)
    finally:
        raw.close()
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
            part.dispose()


def of_checks(database: Database) -> list[tuple[str, str]]:
    program = f"""
import json, sqlalchemy
from checks import worker
from orchestration.runs import check_worker
worker.main = lambda: None
check_worker.main()
with sqlalchemy.create_engine({database.sqlalchemy_url("psycopg")!r}).connect() as conn:
    print(json.dumps([list(row) for row in conn.execute(sqlalchemy.text({SHOWN!r}))]))
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return [(name, value) for name, value in json.loads(told.stdout)]


def of_the_page(database: Database) -> list[tuple[str, str]]:
    pools = ConnectionPools(
        database.url, name="test", size=1, pin=session.pin, settings=page_settings(5), patience=5
    )
    pools.open()
    try:
        with pools.one() as conn:
            return conn.execute(SHOWN.encode()).fetchall()
    finally:
        pools.close()


def settings_of(connection: Any) -> list[tuple[str, str]]:
    cursor = connection.cursor()
    cursor.execute(SHOWN)
    found: list[tuple[str, str]] = cursor.fetchall()
    return found


@pytest.mark.parametrize(
    ("shown_by", "own"),
    [
        (of_psycopg, {}),
        (of_dbt, {}),
        (of_dagster, {"search_path": "dagster"}),
        (of_checks, {}),
        (
            of_the_page,
            {
                "default_transaction_read_only": "on",
                "search_path": "marts",
                "statement_timeout": "5000",
                "idle_in_transaction_session_timeout": "20000",
            },
        ),
    ],
)
def test_every_library_pins_what_sessions_rely_on(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    shown_by: Callable[[Database], list[tuple[str, str]]],
    own: dict[str, str],
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    shown = normal(shown_by(with_hostile_options(database)))
    assert shown == session.SETTINGS | own


def test_every_pinned_setting_is_tested_under_a_hostile_default(database: Database) -> None:
    assert HOSTILE.keys() == session.SETTINGS.keys()
    with psycopg.connect(with_hostile_options(database).url) as conn:
        shown = normal(conn.execute(SHOWN.encode()).fetchall())
    assert [name for name in HOSTILE if shown[name] == session.SETTINGS[name]] == []


def test_no_setting_that_may_change_a_result_is_left_to_its_default(database: Database) -> None:
    with database.connect() as conn:
        found = conn.execute(
            "select name, category from pg_settings where context = 'user' and source <> 'override'"
        ).fetchall()
    told = {name.lower() for name, category in found if not category.startswith(OF_NO_CONSEQUENCE)}
    assert told - HARMLESS == session.SETTINGS.keys()


def test_variables_of_libpq_are_forgotten_but_for_credentials() -> None:
    kept = {"PGPASSWORD": "secret", "PGPASSFILE": "/x", "PGSSLROOTCERT": "/ca.pem"}
    gone = {
        **ENVIRONMENT,
        "PGSERVICE": "x",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "x",
    }
    program = "import json, os, orchestration.postgres.session; print(json.dumps({**os.environ}))"
    told = subprocess.run(
        [sys.executable, "-c", program], env=kept | gone, check=True, capture_output=True
    )
    assert {name for name in json.loads(told.stdout) if name.startswith("PG")} == kept.keys()


def test_a_client_program_is_pinned_too(database: Database, tmp_path: Path) -> None:
    hostile = with_hostile_options(database)
    told = tmp_path / "settings"
    run_client_program("psql", hostile, "-At", "-F=", "-c", SHOWN, "-o", str(told))
    pairs = [tuple(line.split("=", 1)) for line in told.read_text().splitlines()]
    assert normal(pairs) == session.SETTINGS  # type: ignore[arg-type]


def test_a_time_out_that_cuts_the_first_statement_short_is_met_again() -> None:
    cancelled = psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
    answers = iter([cancelled, cancelled, None])

    def execute(_: str) -> None:
        if error := next(answers):
            raise error

    connection = SimpleNamespace(autocommit=False, cursor=lambda: SimpleNamespace(execute=execute))
    session.pin(connection)
    assert next(answers, "spent") == "spent"
    assert connection.autocommit is False
