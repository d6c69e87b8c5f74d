"""Dagster's storage in PostgreSQL: its tables made whole, and connections that are kept.

dagster-postgres creates its tables in several transactions, and takes the first table for the sign
that all are there: killed in between, no later run would work. It also connects anew for each
statement, some 1,700 times a run: seconds of it. A kept connection is asked whether it lives before
it is used, so that a restart of the server is not noticed.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import psycopg2.extensions
from dagster._core.storage.event_log import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.sql import check_alembic_revision, stamp_alembic_rev
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.run_storage import run_storage
from dagster_postgres.utils import create_pg_engine, pg_alembic_config, pg_url_from_config
from sqlalchemy import Connection, NullPool, text

from orchestration.postgres import locks, session

_POOL: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 2,
    "max_overflow": 20,
    "pool_recycle": 1800,
}
_METADATA = (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata)
_WHOLE = "Storage of Dagster, complete"


# Also of the engines with which the storages create their tables. Dagster writes hundreds of small
# events per run: losing the last ones with the machine does no harm, and waiting for the disk after
# each takes seconds.
session.pin_engines(psycopg2.extensions.connection, search_path="dagster", synchronous_commit="off")


class PooledStorage(DagsterPostgresStorage):
    """dagster-postgres with a pool for each of runs, events and schedules."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        url = named.get("postgres_url") or arguments[0]
        engine = create_pg_engine(url, poolclass=NullPool)
        with engine.connect() as conn:
            is_whole = _is_whole(conn)
        if not is_whole:
            with engine.begin() as conn:
                _create_tables(conn)
        super().__init__(*arguments, **named)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = create_pg_engine(
                self.postgres_url, isolation_level="AUTOCOMMIT", **_POOL
            )
        if not is_whole:
            self._finish()
            with engine.begin() as conn:
                _mark_whole(conn)

    def _finish(self) -> None:
        """Do what dagster-postgres does after creating the tables; each is done once."""
        for storage in (self._run_storage, self._schedule_storage):
            storage.migrate()
            storage.optimize()
        self._event_log_storage.reindex_events()
        self._event_log_storage.reindex_assets()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> PooledStorage:
        """The storage that `dagster.yaml` asks for."""
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
        )


def _is_whole(conn: Connection) -> bool:
    """Whether the schema is marked; a backup of the database keeps the mark."""
    mark = "select obj_description(current_schema()::regnamespace, 'pg_namespace')"
    return conn.execute(text(mark)).scalar() == _WHOLE


def _mark_whole(conn: Connection) -> None:
    schema = conn.execute(text("select quote_ident(current_schema())")).scalar()
    conn.execute(text(f"comment on schema {schema} is '{_WHOLE}'"))


def _create_tables(conn: Connection) -> None:
    """Create what is missing of the tables and indexes, in the transaction of the connection.

    Tables of another release of Dagster are left to its own migrations.
    """
    conn.execute(text("select pg_advisory_xact_lock(:key)"), {"key": locks.DAGSTER_STORAGE})
    config = pg_alembic_config(run_storage.__file__)
    revision, newest = check_alembic_revision(config, conn)
    if revision not in (None, newest):
        return
    for metadata in _METADATA:
        metadata.create_all(conn)
    # `create_all` creates the indexes of new tables only.
    query = "select indexname from pg_indexes where schemaname = current_schema()"
    known = set(conn.execute(text(query)).scalars())
    for table in chain.from_iterable(metadata.tables.values() for metadata in _METADATA):
        for index in table.indexes:
            if index.name not in known:
                index.create(conn)
    stamp_alembic_rev(config, conn)
