"""Dagster's storage in PostgreSQL, over connections that are kept.

dagster-postgres connects anew for each statement, some 1,700 times a run: seconds of it. A kept
connection is asked whether it lives before it is used, so that a restart of the server is not
noticed.
"""

from __future__ import annotations

from typing import Any

import psycopg2.extensions
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config

from orchestration.postgres import session

_POOL: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 2,
    "max_overflow": 20,
    "pool_recycle": 1800,
}


# Also of the engines with which the storages create their tables. Dagster writes hundreds of small
# events per run: losing the last ones with the machine does no harm, and waiting for the disk after
# each takes seconds.
session.pin_engines(psycopg2.extensions.connection, search_path="dagster", synchronous_commit="off")


class PooledStorage(DagsterPostgresStorage):
    """dagster-postgres with a pool for each of runs, events and schedules."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = create_pg_engine(
                self.postgres_url, isolation_level="AUTOCOMMIT", **_POOL
            )

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
