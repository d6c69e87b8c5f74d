"""Pages and publication: what was built and checked becomes what people see.

The pages are written from `marts_next` before the swap, so that a full disk leaves tables and pages
as they were; then one transaction swaps the tables and one rename the pages.
"""

from __future__ import annotations

import dagster as dg

from orchestration.assets.raw import OWNERS
from orchestration.assets.warehouse import marts
from orchestration.database import Database
from orchestration.progress import stage
from orchestration.publication import publish
from orchestration.resources import RunSettings
from orchestration.settings import Settings
from reports import editions
from reports.write import Edition, write_pages

_DAILY = dg.FreshnessPolicy.cron(
    deadline_cron="0 8 * * 1-6",
    lower_bound_delta=__import__("datetime").timedelta(hours=3),
    timezone="America/Sao_Paulo",
)


@dg.asset(
    key=["pages", "edition"],
    group_name="pages",
    deps=list(marts().values()),
    kinds={"html"},
    owners=OWNERS,
    description="The pages of this run, written whole beside the edition people read.",
)
def edition_of_pages(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Database],
    settings: dg.ResourceParam[Settings],
    run_settings: RunSettings,
) -> dg.MaterializeResult:
    """Render every page from `marts_next` into a new edition."""
    ...
