"""A run that is told to stop, by Ctrl-C or by a service manager, in every stage.

It ends soon, with a sentence and exit code 1, and what is published is as it was; told in the last
moment it has published, and says so. That the next run is right is `test_killed_at_any_point.py`'s:
there a run has no time to put things in order.
"""

from __future__ import annotations

import signal

import pytest
from kept_state import Kept


@pytest.mark.parametrize(
    ("stage", "by"),
    [
        pytest.param("load", signal.SIGTERM, marks=pytest.mark.proof),
        pytest.param("check", signal.SIGINT, marks=pytest.mark.proof),
        ("build", signal.SIGTERM),
        ("pages", signal.SIGINT),
        pytest.param("publish", signal.SIGTERM, marks=pytest.mark.proof),
    ],
)
def test_a_run_that_is_told_to_stop(kept: Kept, stage: str, by: signal.Signals) -> None:
    kept.reset()
    at = max(kept.undisturbed.marks[stage] // 2, 1)

    said = kept.run(kill_at=(stage, at), kill_by=by)

    print(f"\n{by.name} at {stage}, mark {at}: {said.exit_code}, {said.last_line}")
    assert "Traceback" not in said.output, said.output
    with kept.database.connect() as conn:
        kinds = [kind for (kind,) in conn.execute("select kind from ops.run_failure")]
        running = conn.execute(
            "select count(*) from dagster.runs where status in ('STARTED', 'STARTING')"
        ).fetchone()
    assert running == (0,)
    if said.exit_code == 0:
        assert stage == "publish"
        assert kept.published() == kept.after
        assert said.last_line.startswith("Published as of")
        return
    assert said.exit_code == 1, said.output
    assert said.last_line.startswith("Failed: The run was stopped before its end."), said.output
    assert kinds == ["RunStopped"]
    assert kept.published() == kept.before
