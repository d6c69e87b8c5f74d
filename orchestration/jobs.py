"""The one job: load → build → check → write pages → publish."""

from __future__ import annotations

import dagster as dg

# Every step in one process: a process a step costs seconds of imports each, and the run's lock
# and the check worker are held by the process.
daily = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Load a delivery, build the totals and lists, check them, publish them.",
    # A second try begins at the beginning: what the first had built may be gone by then.
    tags={"dagster/retry_strategy": "ALL_STEPS"},
)

# Whose runs hold the database from their first step to their last; `__ASSET_JOB` is what Dagster
# calls a run of assets picked in its UI.
JOBS_THAT_HOLD_THE_DATABASE = frozenset({daily.name, "__ASSET_JOB"})
