"""Pages and publication: what was built and checked becomes what people see.

The pages are written from `marts_next` before the swap, so that a full disk leaves tables and pages
as they were; then one transaction swaps the tables and, as its last act, leads readers to the
pages.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.assets.raw import OWNERS
from orchestration.assets.warehouse import marts
from orchestration.progress import LOGGER, stage
from orchestration.publication import recovery, status_pages
from orchestration.publication.swap import swap_schemas
from orchestration.resources import RunSettings
from orchestration.runs import ledger
from orchestration.runs.bootstrap import Warehouse
from orchestration.runs.cron import next_edition_at
from orchestration.runs.failures import typed_failures
from orchestration.runs.unattended import is_unattended, keeps_history
from orchestration.settings import Settings
from reports import editions
from reports.editions import Edition
from reports.write import write_pages


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
    with stage("pages", context.run_id) as progress, warehouse.connect() as conn:
        warehouse.assert_held()
        conn.execute("set search_path to marts_next")
        conn.commit()
        name = editions.edition_name(run_settings.instant, context.run_id)
        written = write_pages(
            conn,
            editions.create_edition_folder(settings.published, name),
            edition=Edition(
                as_of=run_settings.instant,
                generated_at=datetime.now(UTC),
                run_id=context.run_id,
                timezone=settings.group_timezone,
                stale_hours=settings.stale_hours,
                stale_hours_by_company=settings.stale_hours_by_company,
                # Who runs by hand, or by a cron of their own, knows when they do it again.
                next_expected=next_edition_at(settings, run_settings.instant)
                if is_unattended(context.run.tags)
                else None,
            ),
            address=warehouse.url,
            processes=settings.render_processes or None,
            on_progress=lambda pages: progress.say(f"{pages:,} pages so far"),
        )
        ledger.record_edition(
            conn,
            name,
            run_id=context.run_id,
            fingerprint=written.fingerprint,
            pages=written.pages,
        )
        progress.say(
            f"{written.pages:,} pages, {written.files - written.pages:,} files to take away, "
            f"{written.rows:,} rows on {written.lists:,} lists",
            written.rows,
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
    name = editions.edition_name(run_settings.instant, context.run_id)
    before = editions.current_edition(settings.published)
    activated = False

    def lead_readers() -> None:
        nonlocal activated
        warehouse.assert_held()
        editions.activate_edition(settings.published, name)
        activated = True

    with stage("publish", context.run_id) as progress:
        try:
            with warehouse.connect() as conn:
                swap_schemas(
                    conn,
                    run_id=context.run_id,
                    as_of=run_settings.instant,
                    group_timezone=settings.group_timezone,
                    edition=name,
                    expected=marts().keys(),
                    keep_history=keeps_history(context.run.tags),
                    before_commit=lead_readers,
                )
        except BaseException:
            if not activated:
                raise
            # A server that dies in the commit does not say whether it had done it.
            if not recovery.was_committed(warehouse, context.run_id):
                if before:
                    editions.activate_edition(settings.published, before.name)
                else:
                    editions.withdraw_current(settings.published)
                raise
        progress.say(f"edition {name}")
        try:
            removed = editions.prune_editions(
                settings.published,
                newest=settings.edition_retention_count,
                days=settings.edition_retention_days,
                now=datetime.now(ZoneInfo(settings.group_timezone)),
            )
            progress.say(f"edition {name}, {len(removed)} old editions removed")
        except editions.PublishError as error:
            # Published it is: that something old stays is no failure of the run.
            LOGGER.warning("Warning: %s", error)
    status_pages.refresh_status_pages(settings, warehouse)
    return dg.MaterializeResult(
        metadata={"edition": name, "as_of": run_settings.instant.isoformat()}
    )


def due_each_day(settings: Settings) -> dg.AssetsDefinition:
    """The publication; on a day of the morning run it shows as failing in Dagster without an
    edition by then.
    """
    by = settings.edition_deadline
    if by == "never":
        return publication
    days = settings.morning_schedule.split()[2:5]
    policy = dg.FreshnessPolicy.cron(
        deadline_cron=" ".join([str(by.minute), str(by.hour), *days]),
        # Of its day: since midnight.
        lower_bound_delta=timedelta(minutes=max(by.hour * 60 + by.minute, 1)),
        timezone=settings.group_timezone,
    )
    return publication.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy))
