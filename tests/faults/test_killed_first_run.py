"""`kill -9` of the first run of an installation, in a home that does not exist: the next publishes.

Until then the server, its database, the migrations and Dagster's tables are made.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forked_runs import START, Mark, Run, spread
from kept_state import BEFORE, Digest, Kept, digest

from orchestration.postgres import embedded

_AT_THE_START, _POINTS_A_STAGE = 30, 4


@contextmanager
def new_home() -> Iterator[Path]:
    """A home that does not exist yet, and is removed with all that was made for it."""
    folder = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    try:
        yield folder / "home"
    finally:
        embedded.remove_server(folder / "home" / "postgres")
        shutil.rmtree(folder)


def first_run(kept: Kept, home: Path, kill_at: Mark | None = None) -> Run:
    settings = {"HOME": str(home)}
    arguments = ("run", "--source", str(kept.folder / "first"), "--as-of", BEFORE)
    return kept.workshop.run(settings, *arguments, kill_at=kill_at)


def published(home: Path) -> Digest:
    with embedded.server_database(home / "postgres").connect() as conn:
        return digest(conn)


def killed_then_run_again(kept: Kept, point: Mark) -> None:
    with new_home() as home:
        killed = first_run(kept, home, point)
        assert killed.exit_code == -9, (point, killed.output)
        again = first_run(kept, home)
        assert again.exit_code == 0, (point, again.output)
        assert published(home) == kept.before, point


@pytest.mark.parametrize("point", [(START, 75)])
def test_killed_while_tables_are_made(kept: Kept, point: Mark) -> None:
    killed_then_run_again(kept, point)


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_killed_at_fifty_points(kept: Kept) -> None:
    began = time.monotonic()
    with new_home() as home:
        undisturbed = first_run(kept, home)
        assert undisturbed.exit_code == 0, undisturbed.output
        assert published(home) == kept.before
    marks = undisturbed.marks
    print(f"\nmarks of the undisturbed run: {marks}")
    at_the_start = [1 + n * (marks[START] - 1) // _AT_THE_START for n in range(_AT_THE_START)]
    points = [(START, number) for number in at_the_start] + spread(marks, _POINTS_A_STAGE)
    assert len(set(points)) == 50
    for point in points:
        killed_then_run_again(kept, point)
        print(f"killed in {point[0]} at mark {point[1]}: the next run published", flush=True)
    print(f"{len(points)} of {len(points)} in {time.monotonic() - began:.0f} s")
