"""Stages the tables of a delivery in two threads while the load merges staged tables."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager
from types import TracebackType

import psycopg

from orchestration.ingest.contract import AGENDA, ENTITY_TABLES, REFERENCE_TABLES, source_table
from orchestration.ingest.errors import NeedsRowByRow
from orchestration.ingest.sources.delivery import Delivery
from orchestration.ingest.staging import StagedTable, stage_fast, stage_row_by_row
from orchestration.postgres.database import Database

Progress = Callable[[str, int], None]

_AT_ONCE = 2
_REPORT_SECONDS = 0.5

_SESSION = """
set synchronous_commit = off;
set work_mem = '256MB';
set maintenance_work_mem = '512MB';
"""


class _Stopped(Exception):
    """The load has failed elsewhere, so reading stops."""


def no_progress(table: str, rows: int) -> None:
    """Ignore progress."""


@contextmanager
def load_connection(database: Database, application: str) -> Iterator[psycopg.Connection]:
    """Open a connection for large statements, in autocommit mode."""
    with database.connect(application=application) as conn:
        conn.autocommit = True
        conn.execute(_SESSION)
        yield conn


class StagingWorkers:
    """Two threads that each stage one table at a time."""

    def __init__(
        self,
        database: Database,
        delivery: Delivery,
        on_progress: Progress,
        *,
        row_by_row: bool,
    ) -> None:
        self._database, self._delivery = database, delivery
        self._on_progress, self._row_by_row = on_progress, row_by_row
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="reader")
        self._reports: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._reading: dict[str, Future[StagedTable]] = {}
        self._of_thread = threading.local()
        self._open = ExitStack()
        self._stopped = False

    def __enter__(self) -> StagingWorkers:
        # Agendas are the largest table merged early: staged in parallel with clients and vehicles,
        # they are ready once those are merged.
        for table in (*REFERENCE_TABLES, AGENDA, *(t for t in ENTITY_TABLES if t is not AGENDA)):
            if table.name in self._delivery.tables:
                named = self._row_by_row or table.kind == "reference"
                self._start(table.name, named=named)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._open.close()

    def expects(self, table: str) -> bool:
        """Return whether the delivery holds the table."""
        return table in self._delivery.tables

    def arrived(self, table: str) -> StagedTable:
        """Wait for a table; it is read again row by row if the fast path fails."""
        try:
            return self._wait(table)
        except NeedsRowByRow:
            return self.arrived_named(table)

    def arrived_named(self, table: str) -> StagedTable:
        """Read a table row by row, so that each fault is recorded."""
        self._start(table, named=True)
        return self._wait(table)

    def _start(self, table: str, *, named: bool) -> None:
        self._reading[table] = self._pool.submit(self._read, table, named)

    def _wait(self, table: str) -> StagedTable:
        """Wait, and report progress in the caller's thread."""
        reading = self._reading[table]
        while not wait_for([reading], timeout=_REPORT_SECONDS).done:
            self._report()
        self._report()
        return reading.result()

    def _report(self) -> None:
        latest: dict[str, int] = {}
        while not self._reports.empty():
            table, rows = self._reports.get()
            latest[table] = rows
        for table, rows in latest.items():
            self._on_progress(table, rows)

    def _read(self, table: str, named: bool) -> StagedTable:
        def progress(rows: int) -> None:
            if self._stopped:
                raise _Stopped
            self._reports.put((table, rows))

        source = self._delivery.tables[source_table(table).name]
        return (stage_row_by_row if named else stage_fast)(self._connection(), source, progress)

    def _connection(self) -> psycopg.Connection:
        """The connection of the current thread, opened at first use."""
        if not hasattr(self._of_thread, "connection"):
            opened = load_connection(self._database, "atendimento load reader")
            self._of_thread.connection = self._open.enter_context(opened)
        connection: psycopg.Connection = self._of_thread.connection
        return connection
