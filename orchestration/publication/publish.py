"""Publishes tables and pages together: the schema swap and the `current` link, or neither."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from orchestration.progress import LOGGER, Stage, stage
from orchestration.publication import recovery, status_pages
from orchestration.publication.swap import swap_schemas
from orchestration.runs.bootstrap import Warehouse
from orchestration.settings import Settings
from reports import editions


def publish_edition(
    warehouse: Warehouse,
    settings: Settings,
    *,
    run_id: str,
    as_of: datetime,
    tables: Collection[str],
    keep_history: bool,
) -> str:
    """Make `marts_next` the published tables and the run's edition the current one.

    Args:
        warehouse: The database, held by the run.
        settings: The publish folder and how many editions are retained.
        run_id: The run.
        as_of: The instant that tables and pages were made for (R3).
        tables: The published tables; each must be in `marts_next`.
        keep_history: Leave the day's set of `totalizer_history` as it is.

    Returns:
        The name of the edition.

    Raises:
        PublicationError: `marts_next` is not complete. Nothing was published.
        PublishError: The link could not be switched. Nothing was published.
    """
    name = editions.edition_name(as_of, run_id)
    with stage("publish", run_id) as progress:
        _switch(warehouse, settings, name, run_id, as_of, tables, keep_history)
        progress.say(f"edition {name}")
        _prune(settings, name, progress)
    status_pages.refresh_status_pages(settings, warehouse)
    return name


def _switch(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    run_id: str,
    as_of: datetime,
    tables: Collection[str],
    keep_history: bool,
) -> None:
    """Swap the tables; the link is switched as the last act of that transaction."""
    before = editions.current_edition(settings.published)
    activated = False

    def activate() -> None:
        nonlocal activated
        warehouse.assert_held()
        editions.activate_edition(settings.published, name)
        activated = True

    try:
        with warehouse.connect() as conn:
            swap_schemas(
                conn,
                run_id=run_id,
                as_of=as_of,
                group_timezone=settings.group_timezone,
                edition=name,
                expected=tables,
                keep_history=keep_history,
                before_commit=activate,
            )
    except BaseException:
        if not activated:
            raise
        # A server that dies in the commit does not say whether it had done it.
        if not recovery.was_committed(warehouse, run_id):
            if before:
                editions.activate_edition(settings.published, before.name)
            else:
                editions.withdraw_current(settings.published)
            raise


def _prune(settings: Settings, name: str, progress: Stage) -> None:
    """Remove editions past their retention; what cannot be removed does not fail the run."""
    try:
        removed = editions.prune_editions(
            settings.published,
            newest=settings.edition_retention_count,
            days=settings.edition_retention_days,
            now=datetime.now(ZoneInfo(settings.group_timezone)),
        )
        progress.say(f"edition {name}, {len(removed)} old editions removed")
    except editions.PublishError as error:
        LOGGER.warning("Warning: %s", error)
