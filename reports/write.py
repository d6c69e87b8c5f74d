"""Writes the documents of one edition into a new folder, in parallel processes.

Queries name tables without a schema, so the caller's search_path selects the tables.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from reports import documents, edition_plan, fingerprint
from reports.documents import EVERY_KIND, EditionContext, Kind
from reports.edition_plan import DocumentBatch
from reports.editions import OWNER_ONLY_FOLDER, Edition, PublishError, publish_errors, write_facts
from reports.filters import EVERYTHING, Filters
from reports.queries.companies import find_companies
from reports.view_model import Page

_ROWS_WORTH_A_PROCESS = 20_000  # with fewer, starting the process would not pay off

Progress = Callable[[int], None]
"""Called repeatedly with the number of pages written so far."""


def _silent(_: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class Written:
    """The counts of what was written: call lists, their rows, pages, files, bytes and companies.

    `fingerprint` is that of the tables.
    """

    lists: int = 0
    rows: int = 0
    pages: int = 0
    files: int = 0
    size: int = 0
    companies: int = 0
    fingerprint: str = ""

    def plus(self, other: Written) -> Written:
        """Return the sum of both."""
        return replace(
            self,
            lists=self.lists + other.lists,
            rows=self.rows + other.rows,
            pages=self.pages + other.pages,
            files=self.files + other.files,
            size=self.size + other.size,
        )


def write_pages(
    conn: psycopg.Connection,
    folder: Path,
    *,
    edition: Edition,
    connect: Callable[[], psycopg.Connection] | None = None,
    processes: int | None = None,
    kinds: frozenset[Kind] = EVERY_KIND,
    on_progress: Progress = _silent,
) -> Written:
    """Write the documents of an edition into a new or empty folder.

    On an error while writing the folder is removed; nothing else is touched.

    Args:
        conn: A connection whose search_path selects the tables. Outside a transaction, one is begun
            with a single snapshot for all queries.
        folder: The folder. If it is not empty, it is left unchanged and PublishError is raised.
        edition: The facts of the edition; fingerprint and policy are filled in.
        connect: Opens another connection like `conn`, also from another process. With it, work is
            shared among processes, each with its own connection on the same snapshot.
        processes: The number of processes; by default according to the number of rows, at most one
            per core.
        kinds: The kinds of documents to write.
        on_progress: Called with the number of pages written so far.

    Returns:
        The numbers of what was written.

    Raises:
        PublishError: The folder is not empty, or the file system refused an operation.
    """
    with publish_errors(folder, "created"):
        folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY_FOLDER)
        if any(folder.iterdir()):
            raise PublishError(
                f"{folder} is not empty; pages are written into new folders only. "
                "Nothing was changed."
            )
    alone = conn.info.transaction_status == TransactionStatus.IDLE
    try:
        with conn.transaction():
            if alone:
                # One snapshot for all queries, whatever is published meanwhile.
                conn.execute("set transaction isolation level repeatable read")
            _prepare_session(conn)
            return _write(conn, folder, edition, connect, processes, kinds, on_progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(
    conn: psycopg.Connection,
    folder: Path,
    edition: Edition,
    connect: Callable[[], psycopg.Connection] | None,
    processes: int | None,
    kinds: frozenset[Kind],
    on_progress: Progress,
) -> Written:
    edition = replace(
        edition, fingerprint=fingerprint.compute_fingerprint(conn), policy=edition_plan.POLICY
    )
    write_facts(folder, edition)
    # An edition contains everything; the lookup server controls access to its pages (R14).
    filters = Filters(access=EVERYTHING)
    scene = EditionContext(edition, filters, tuple(find_companies(conn, filters, edition)), kinds)
    planned = edition_plan.document_batches(conn, scene)
    if processes is None:
        processes = min(os.cpu_count() or 1, 1 + _rows(conn) // _ROWS_WORTH_A_PROCESS)
    made: Generator[Written, None, None] = (
        (_write_part(conn, folder, scene, part) for part in planned)
        if connect is None or processes == 1
        else _share(conn, connect, folder, scene, planned, processes)
    )
    # Closed on any error, so that no process writes into a folder that is being removed.
    with closing(made):
        written = _sum(made, on_progress)
    return replace(written, companies=len(scene.companies), fingerprint=edition.fingerprint)


def _sum(made: Iterable[Written], on_progress: Progress) -> Written:
    written = Written()
    for part in made:
        written = written.plus(part)
        on_progress(written.pages)
    return written


def _write_part(
    conn: psycopg.Connection, folder: Path, scene: EditionContext, part: DocumentBatch
) -> Written:
    rows = pages = files = size = 0
    for document in edition_plan.batch_documents(conn, scene, part):
        size += documents.write_document(folder, document)
        rows += document.rows
        pages += isinstance(document.content, Page)
        files += 1
    return Written(len(part.lists), rows, pages, files, size)


def _rows(conn: psycopg.Connection) -> int:
    found = conn.execute(
        "select (select count(*) from totalizer_row) + (select count(*) from call_list)"
    ).fetchone()
    return int(found[0]) if found else 0


def _prepare_session(conn: psycopg.Connection) -> None:
    # By default PostgreSQL plans a cursor for its first rows; here all rows are read.
    conn.execute("set local cursor_tuple_fraction = 1")


# --- Several processes -----------------------------------------------------------------------


def _share(
    conn: psycopg.Connection,
    connect: Callable[[], psycopg.Connection],
    folder: Path,
    scene: EditionContext,
    planned: list[DocumentBatch],
    processes: int,
) -> Generator[Written, None, None]:
    """Write the batches in processes that share the snapshot of `conn`; yield each result."""
    snapshot, search_path = conn.execute(
        "select pg_export_snapshot(), current_setting('search_path')"
    ).fetchone() or ("", "")
    with ProcessPoolExecutor(
        processes,
        # Not forked, because this process may have threads, locks and connections.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_open,
        initargs=(connect, snapshot, search_path, folder, scene),
    ) as pool:
        waiting = [pool.submit(_write_shared_part, part) for part in planned]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Shared:
    """The state of a process of the pool."""

    conn: psycopg.Connection
    folder: Path
    scene: EditionContext


_shared: _Shared | None = None


def _open(
    connect: Callable[[], psycopg.Connection],
    snapshot: str,
    search_path: str,
    folder: Path,
    scene: EditionContext,
) -> None:
    global _shared
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # View models hold no reference cycles, and automatic collection takes a sixth of the time.
    # Garbage is collected once per batch instead.
    gc.freeze()
    gc.disable()
    conn = connect()
    conn.execute("set transaction isolation level repeatable read, read only")
    conn.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
    conn.execute("select set_config('search_path', %s, true)", [search_path])
    _prepare_session(conn)
    _shared = _Shared(conn, folder, scene)


def _write_shared_part(part: DocumentBatch) -> Written:
    if _shared is None:
        raise RuntimeError("the worker process was not initialized")
    written = _write_part(_shared.conn, _shared.folder, _shared.scene, part)
    gc.collect()
    return written


def _end_with_parent() -> None:
    """Exit when the parent exits: after a killed parent the pool would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
