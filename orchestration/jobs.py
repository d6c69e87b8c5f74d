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
)
