"""The main job on real bookings from outside, with figures known from their source.

119,390 bookings of two hotels, 2014–2017; no messages, no vehicles. What is known of them: 75,166
guests came (their agenda is closed) and 1,207 did not show.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline import Program

from orchestration.postgres.database import Database


@pytest.mark.usefixtures("one_check_worker")
@pytest.mark.parametrize("runs", [1, pytest.param(2, marks=pytest.mark.proof)])
def test_real_bookings_give_the_known_figures_again_and_again(
    root: Path, database: Database, tmp_path: Path, runs: int
) -> None:
    delivery = root.parent / "shared" / "data" / "hotel_demand"
    if not delivery.is_dir():
        pytest.skip(f"the real bookings are not at {delivery}")
    program = Program(tmp_path, database)
    run = ("run", "--source", delivery, "--as-of", "2017-10-01T00:00:00+00:00")

    said = program.call(*run)
    assert said.exit_code == 0, said.output
    with database.connect() as conn:
        no_shows = conn.execute(
            "select bucket, sum(agenda_count) from marts.totalizer where totalizer = 'no_show'"
            " group by bucket"
        ).fetchall()
        agendas = conn.execute(
            "select count(*), count(*) filter (where not is_open) from marts.agenda_status"
        ).fetchone()
    assert no_shows == [("automatic", 1207)]
    assert agendas == (119_390, 75_166)

    before = program.published()
    for _ in range(runs - 1):
        assert program.call(*run).exit_code == 0
        assert program.published() == before
