"""`kill -9` of a run in every stage, while people read: nobody sees half of anything, and a second
run of the same delivery publishes what an undisturbed one does.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from forked_runs import STAGES, spread
from kept_state import Digest, Kept, digest

from orchestration.postgres import session
from orchestration.postgres.roles import PAGE
from reports import editions
from reports.lookup.connections import ConnectionPools, page_settings
from reports.lookup.read_transaction import read_as_user


@dataclass
class Seen:
    """What readers met: states of the tables, editions and their files, and what went wrong."""

    tables: set[Digest] = field(default_factory=set)
    pages: set[tuple[str, int]] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    reads: int = 0


@contextmanager
def readers(kept: Kept, seen: Seen) -> Iterator[None]:
    """Read tables, as the lookup page does, and pages, as somebody with a browser, all the time."""
    pool = ConnectionPools(
        kept.database.named(kept.database.parts["dbname"], PAGE).url,
        name="readers",
        size=1,
        pin=session.pin,
        settings=page_settings(10),
        patience=10,
    )
    ended = threading.Event()

    def look() -> None:
        with read_as_user(pool, "u2") as (conn, user):
            assert user
            first = digest(conn)
            assert digest(conn) == first, "one transaction sees one state, however long it lasts"
            seen.tables.add(first)
        edition = editions.current_edition(kept.home / "published")
        assert edition
        assert (edition / "index.html").stat().st_size > 0
        files = sum(len(names) for _, _, names in os.walk(edition))
        seen.pages.add((edition.name[:18], files))
        seen.reads += 1

    def read() -> None:
        while not ended.wait(0.1):
            try:
                look()
            except Exception as error:
                seen.errors.append(repr(error))

    thread = threading.Thread(target=read)
    pool.open()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        pool.close()


def wait_until_alone(maintenance: psycopg.Connection, name: str) -> None:
    """The server notices the death of a client; a statement under way is ended first."""
    deadline = time.monotonic() + 60
    alone = "select count(*) = 0 from pg_stat_activity where datname = %s and application_name"
    while maintenance.execute(f"{alone} like 'atendimento%%'", [name]).fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("stages", "points_a_stage"),
    [
        # One before the tables are swapped, one between their swap and the pages'.
        pytest.param(("pages", "publish"), 1, id="sample"),
        pytest.param(STAGES, 4, marks=pytest.mark.proof, id="everywhere"),
    ],
)
def test_killed_and_run_again_everything_is_as_if_undisturbed(
    kept: Kept, stages: Sequence[str], points_a_stage: int
) -> None:
    began, seen, same = time.monotonic(), Seen(), 0
    points = spread(kept.undisturbed.marks, points_a_stage, stages)
    print(f"\nmarks of the undisturbed run: {kept.undisturbed.marks}")
    for point in points:
        kept.reset()
        with readers(kept, seen), kept.maintenance() as maintenance:
            killed = kept.run(kill_at=point)
            assert killed.exit_code == -9, (point, killed.output)
            wait_until_alone(maintenance, kept.database.parts["dbname"])
            left = {kept.before: "before", kept.after: "after"}[kept.published()]
            again = kept.run()
            assert again.exit_code == 0, (point, again.output)
        same += kept.published() == kept.after
        print(f"killed in {point[0]} at mark {point[1]}: {left} the publication")
    print(
        f"{same} of {len(points)} reruns have the checksum of the undisturbed run; "
        f"{seen.reads:,} reads: {len(seen.errors)} errors, {len(seen.tables)} states of the "
        f"tables, {len(seen.pages)} of the pages; {time.monotonic() - began:.0f} s"
    )
    assert same == len(points) == len(stages) * points_a_stage
    assert seen.errors == []
    # Before and after, as the manager sees them: nothing in between.
    assert len(seen.tables) == 2
    assert len({edition for edition, _ in seen.pages}) == len(seen.pages) == 2
    assert seen.reads > 15 * len(points)
