"""Defaults under which a session that does not pin its settings fails or errs."""

from __future__ import annotations

from psycopg.conninfo import make_conninfo

from orchestration.postgres.database import Database

HOSTILE = {
    "statement_timeout": "15ms",
    "transaction_timeout": "500ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "50ms",
    "idle_session_timeout": "500ms",
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "search_path": "hostile, pg_catalog",
    "row_security": "off",
    "client_encoding": "WIN1252",
    "standard_conforming_strings": "off",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Kolkata",
    "timezone_abbreviations": "Australia",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "lc_monetary": "C.utf8",
    "lc_numeric": "C.utf8",
    "lc_time": "C.utf8",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "gin_fuzzy_search_limit": "1",
    "restrict_nonsystem_relation_kind": "view, foreign-table",
    "exit_on_error": "on",
}
# What libpq reads of the environment for a new session.
ENVIRONMENT = {
    "PGDATESTYLE": "SQL, DMY",
    "PGTZ": "Asia/Kolkata",
    "PGCLIENTENCODING": "WIN1252",
    "PGOPTIONS": "-c statement_timeout=15ms -c default_transaction_read_only=on",
}


def with_hostile_options(database: Database) -> Database:
    """The same database, with an address that asks for these settings."""
    options = " ".join(
        f"-c {name}={value}".replace(", ", r",\ ").replace("repeatable read", r"repeatable\ read")
        for name, value in HOSTILE.items()
    )
    return Database(make_conninfo(database.url, options=options))
