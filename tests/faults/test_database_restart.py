"""PostgreSQL restarted with `-m immediate`, as in a crash, in every stage of a run.

The run ends right or fails clean: an exit code, a sentence, the published state whole. The next one
is right.
"""

from __future__ import annotations

import pytest
from forked_runs import STAGES
from kept_state import Kept

from orchestration.postgres import embedded


def restart(kept: Kept) -> None:
    embedded.stop_server(kept.server, "immediate")
    embedded.start_server(kept.server)


@pytest.mark.parametrize(
    "stage",
    [
        stage if stage == "publish" else pytest.param(stage, marks=pytest.mark.proof)
        for stage in STAGES
    ],
)
def test_a_restart_of_the_database_fails_clean_or_not_at_all(kept: Kept, stage: str) -> None:
    kept.reset()
    # A quarter on: within the transaction of `publish`, half-way it has committed.
    middle = (stage, kept.undisturbed.marks[stage] // 4)

    said = kept.run(stand_at=middle, meanwhile=lambda: restart(kept))

    left = kept.published()
    print(f"\nrestarted in {stage}, mark {middle[1]}: exit code {said.exit_code}, {said.last_line}")
    assert said.exit_code in (0, 1, 3), said.output
    if said.exit_code:
        assert said.last_line.startswith(("Failed: ", "Not published: "))
        assert "fault of the program" not in said.output
        assert "Traceback" not in said.output
        assert left == kept.before
    again = kept.run()
    assert again.exit_code == 0, again.output
    assert kept.published() == kept.after


@pytest.mark.proof
def test_a_database_that_does_not_come_back_is_told_by_the_next_run(kept: Kept) -> None:
    kept.reset()
    middle = ("build", kept.undisturbed.marks["build"] // 2)

    said = kept.run(
        stand_at=middle, meanwhile=lambda: embedded.stop_server(kept.server, "immediate")
    )

    print(f"\nstopped in build: exit code {said.exit_code}, {said.last_line}")
    assert said.exit_code == 1, said.output
    assert said.last_line.startswith("Failed: ")
    assert "Traceback" not in said.output
    embedded.start_server(kept.server)
    assert kept.published() == kept.before
    again = kept.run()
    assert again.exit_code == 0, again.output
    assert kept.published() == kept.after
    with kept.database.connect() as conn:
        kinds = conn.execute("select kind from ops.run_failure").fetchall()
    assert kinds != []
    assert ("",) not in kinds
