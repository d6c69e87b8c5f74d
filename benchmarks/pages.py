"""How fast an edition is written, against bare Jinja of the same templates, in one run.

Run it as `python -m benchmarks.pages [--lists N] [--rows N] [--companies N] [--whole]`.

Bare Jinja is `template.render(page=page)` over view models that are there already, in one process;
what is measured against it starts at the tables and ends with files. Both are told as pages a
second and as processor time a page, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import psycopg

from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from reports import edition_plan
from reports.documents import EditionContext, Kind
from reports.filters import EVERYTHING, Filters
from reports.queries.companies import find_companies
from reports.render import environment
from reports.view_model import Page
from reports.write import write_pages
from tests.unit.reports.published_tables import EDITION, create, fill_group

_KINDS: frozenset[Kind] = frozenset({"reports", "lists"})
_WHOLE: frozenset[Kind] = _KINDS | {"fichas", "totals"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--companies", type=int, default=50)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--files", action="store_true", help="with the files to take away")
    asked = parser.parse_args()
    kinds = _WHOLE if asked.whole else _KINDS
    with tempfile.TemporaryDirectory(prefix="atendimento-pages-") as folder:
        home = Path(folder)
        database = embedded.start_server(home / "postgres")
        try:
            with database.connect() as conn:
                create(conn)
                fill_group(conn, asked.companies, asked.lists // asked.companies, asked.rows)
                bare = measure_bare(conn, kinds)
                shared = kinds | {"files"} if asked.files else kinds
                for processes in sorted({1, os.cpu_count() or 1}):
                    measure_writing(
                        conn, database, home / f"by-{processes}", shared, processes, bare
                    )
        finally:
            embedded.remove_server(home / "postgres")


def measure_bare(conn: psycopg.Connection, kinds: frozenset[Kind]) -> tuple[float, float]:
    """Pages a second and processor seconds a page of bare Jinja."""
    with conn.transaction():
        filters = Filters(access=EVERYTHING)
        scene = EditionContext(
            EDITION, filters, tuple(find_companies(conn, filters, EDITION)), kinds
        )
        spent = used = 0.0
        pages = 0
        templates = environment()
        for part in edition_plan.document_batches(conn, scene):
            models = [
                document.content
                for document in edition_plan.batch_documents(conn, scene, part)
                if isinstance(document.content, Page)
            ]
            began, began_used = time.perf_counter(), time.process_time()
            for model in models:
                templates.get_template(model.template).render(page=model)
            spent += time.perf_counter() - began
            used += time.process_time() - began_used
            pages += len(models)
    print(f"bare Jinja, 1 process: {pages:,} pages, {pages / spent:,.0f} pages/s")
    return pages / spent, used / pages


def measure_writing(
    conn: psycopg.Connection,
    database: Database,
    folder: Path,
    kinds: frozenset[Kind],
    processes: int,
    bare: tuple[float, float],
) -> None:
    """Write the edition and print its rates beside those of bare Jinja."""
    before = _used()
    began = time.perf_counter()
    written = write_pages(
        conn, folder, edition=EDITION, connect=database.connect, processes=processes, kinds=kinds
    )
    spent, used = time.perf_counter() - began, _used() - before
    rate = written.pages / spent
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        f"written by {processes}: {written.pages:,} pages and {written.files - written.pages:,} "
        f"files in {spent:.1f} s, {rate:,.0f} pages/s; of bare Jinja per process "
        f"{rate / processes / bare[0]:.2f}, by processor time "
        f"{bare[1] * written.pages / used:.2f}; {used / spent:.2f} cores used beside the "
        f"database; peak memory {own} MB, of the largest process started {children} MB"
    )


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
