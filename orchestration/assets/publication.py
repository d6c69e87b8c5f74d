"""The pages of a run and their publication, as assets."""

from datetime import timedelta

import dagster as dg

from orchestration.assets import OWNERS
from orchestration.assets.dbt_manifest import marts
from orchestration.publication.pages import write_edition
from orchestration.publication.publish import publish_edition
from orchestration.resources import RunSettings
from orchestration.runs.bootstrap import Warehouse
from orchestration.runs.cron import next_edition_at
from orchestration.runs.failures import typed_failures
from orchestration.runs.unattended import is_unattended, keeps_history
from orchestration.settings import Settings


@dg.asset(
    key=["pages", "edition"],
    group_name="pages",
    deps=list(marts().values()),
    kinds={"html"},
    owners=OWNERS,
    description="The pages of this run, written whole beside the edition people read.",
)
@typed_failures
def edition_of_pages(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    run_settings: RunSettings,
) -> dg.MaterializeResult[None]:
    """Render every page from `marts_next` into a new edition."""
    as_of, scheduled = run_settings.instant, is_unattended(context.run.tags)
    name, written = write_edition(
        warehouse,
        settings,
        run_id=context.run_id,
        as_of=as_of,
        # A run by hand, or by a cron outside Dagster, does not say when the next one comes.
        next_expected=next_edition_at(settings, as_of) if scheduled else None,
    )
    return dg.MaterializeResult(
        metadata={
            "edition": name,
            "pages": written.pages,
            "rows": written.rows,
            "fingerprint": written.fingerprint,
        }
    )


@dg.asset(
    key=["publication", "marts"],
    group_name="publication",
    deps=[edition_of_pages, *marts().values()],
    kinds={"postgres"},
    owners=OWNERS,
    description="The swap: `marts_next` becomes `marts` and its pages the current edition.",
)
@typed_failures
def publication(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    run_settings: RunSettings,
) -> dg.MaterializeResult[None]:
    """Publish tables and pages together, or neither."""
    name = publish_edition(
        warehouse,
        settings,
        run_id=context.run_id,
        as_of=run_settings.instant,
        tables=marts().keys(),
        keep_history=keeps_history(context.run.tags),
    )
    return dg.MaterializeResult(
        metadata={"edition": name, "as_of": run_settings.instant.isoformat()}
    )


def due_each_day(settings: Settings) -> dg.AssetsDefinition:
    """Give the publication a freshness policy: an edition by the deadline of each scheduled day."""
    by = settings.edition_deadline
    if by == "never":
        return publication
    days = settings.morning_schedule.split()[2:5]
    policy = dg.FreshnessPolicy.cron(
        deadline_cron=" ".join([str(by.minute), str(by.hour), *days]),
        # Since midnight of that day.
        lower_bound_delta=timedelta(minutes=max(by.hour * 60 + by.minute, 1)),
        timezone=settings.group_timezone,
    )
    return publication.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy))
