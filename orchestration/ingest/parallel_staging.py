"""Stages the tables of a delivery two at a time while the load merges what is staged."""

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
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set client_encoding = 'UTF8';
set synchronous_commit = off;
set idle_in_transaction_session_timeout = 0;
set idle_session_timeout = 0;
set statement_timeout = 0;
set transaction_timeout = 0;
set work_mem = '256MB';
set maintenance_work_mem = '512MB';
"""


class _Stopped(Exception):
    """The load has failed elsewhere; what this thread was reading is no longer wanted."""


def no_progress(table: str, rows: int) -> None:
    """Nobody wants to know."""


@contextmanager
def load_connection(database: Database, application: str) -> Iterator[psycopg.Connection]:
    """A connection whose session reads and writes values the way the casts expect.

    Every transaction on it is an explicit one.
    """
    with database.connect(application=application) as conn:
        conn.autocommit = True
        conn.execute(_SESSION)
        yield conn


class StagingWorkers:
    """Two threads that read the tables of the delivery, each whole."""

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
        # Agendas are the largest of what is merged early: read beside clients and vehicles, they
        # are there when those are merged.
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
        """Whether the delivery holds that table."""
        return table in self._delivery.tables

    def arrived(self, table: str) -> StagedTable:
        """The table, once it is read; row by row when it is not plain."""
        try:
            return self._wait(table)
        except NeedsRowByRow:
            return self.arrived_named(table)

    def arrived_named(self, table: str) -> StagedTable:
        """The table read row by row, so that each fault can be named."""
        self._start(table, named=True)
        return self._wait(table)

    def _start(self, table: str, *, named: bool) -> None:
        self._reading[table] = self._pool.submit(self._read, table, named)

    def _wait(self, table: str) -> StagedTable:
        """Progress is told from here, so that a caller's function runs in the caller's thread."""
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
        """Each thread opens one, and keeps it."""
        if not hasattr(self._of_thread, "connection"):
            opened = load_connection(self._database, "atendimento load reader")
            self._of_thread.connection = self._open.enter_context(opened)
        connection: psycopg.Connection = self._of_thread.connection
        return connection
