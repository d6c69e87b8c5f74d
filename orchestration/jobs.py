"""The job: load → build → check → write pages → publish; and the one that tidies up."""

import dagster as dg

from orchestration.maintenance.retention import apply_retention
from orchestration.runs.bootstrap import open_database
from orchestration.settings import load_settings

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


@dg.op(description="Remove old runs with their events and logs, and what else is too old.")
def delete_expired_state(context: dg.OpExecutionContext) -> None:
    """Delete what `atendimento cleanup` deletes."""
    settings = load_settings()
    removed = apply_retention(settings, open_database(settings), context.instance)
    context.log.info(f"Removed {removed}.")


@dg.job(
    name="tidy",
    executor_def=dg.in_process_executor,
    description="Remove what is old, so that years of runs take bounded room.",
)
def cleanup() -> None:
    """The daily tidying."""
    delete_expired_state()
