"""What assets are given: settings, the database, the run's instant and source, the check worker.

A run's settings are read here, when it starts; the code location's own (schedules, inbox) when
it is loaded, in `definitions.py`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
from pydantic import PrivateAttr

from orchestration.progress import LOGGER
from orchestration.publication import recovery
from orchestration.runs.as_of import parse_as_of
from orchestration.runs.bootstrap import Warehouse, open_database, run_lock
from orchestration.runs.check_runner import CheckRunner, open_check_runner
from orchestration.runs.failures import reported_failures
from orchestration.runs.stale_runs import hold_liveness_lock
from orchestration.runs.unattended import is_unattended, keeps_history, published_as_of
from orchestration.settings import Settings, load_settings


class RunSettings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The instant a run computes for (R3) and the delivery it loads.

    `as_of`: ISO 8601 with an offset; empty is the moment the run was made, the same for each of
    its steps. `inbox_folder`: the name of a folder of the inbox; empty is the source of the
    settings, and without one a run computes over what is loaded. Whoever may start a run in
    Dagster's UI can name no other source.
    """

    as_of: str = ""
    inbox_folder: str = ""

    _created_at: datetime = PrivateAttr()
    _not_before: datetime | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Fix the instant once, at the run's own creation."""
        record = None
        if context.instance and context.run_id:
            record = context.instance.get_run_record_by_id(context.run_id)
        self._created_at = record.create_timestamp if record else datetime.now(UTC)

    @property
    def instant(self) -> datetime:
        """`as_of` as a moment in UTC."""
        moment = parse_as_of(self.as_of) if self.as_of else self._created_at
        return max(moment, self._not_before or moment).astimezone(UTC)

    def not_before(self, moment: datetime) -> None:
        """Compute for that moment at the earliest; said before the first step."""
        if moment > self.instant:
            LOGGER.info(
                "This run is as of %s, and %s is published already: computing as of that.",
                self.instant.isoformat(),
                moment.isoformat(),
            )
        self._not_before = moment


@dg.resource(description="The settings of the environment, read when the run starts.")
def settings(context: dg.InitResourceContext) -> Settings:
    """Read the settings of the environment."""
    with reported_failures(context):
        return load_settings()


@dg.resource(
    required_resource_keys={"settings", "run_settings"},
    description="The database, held for this run alone: a second run at the same time fails, "
    "unless a schedule or a sensor asked for it; then it waits.",
)
def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
    """Open the database and hold the run lock until the run ends."""
    settings = context.resources.settings
    with reported_failures(context):
        database = open_database(settings)
    # A delivery's run is asked for once: if it failed because somebody runs by hand just now, the
    # delivery would never be loaded.
    tags = context.run.tags if context.run else {}
    unattended = is_unattended(tags)

    def given_up() -> bool:
        run = context.instance.get_run_by_id(context.run_id or "") if context.instance else None
        return run is not None and run.is_finished

    with (
        reported_failures(context),
        hold_liveness_lock(database, context.run_id or "", given_up),
        run_lock(database, wait=unattended) as held,
    ):
        recovery.repair_current_link(held, settings.published)
        if unattended or keeps_history(tags):
            with held.connect() as conn:
                moment = published_as_of(conn)
            if moment:
                context.resources.run_settings.not_before(moment)
        yield held


@dg.resource(
    required_resource_keys={"settings"},
    description="Great Expectations, in a process of its own.",
)
def checker(context: dg.InitResourceContext) -> Iterator[CheckRunner]:
    """A checker whose process starts when it is first needed, or warmed."""
    with open_check_runner(context.resources.settings) as opened:
        yield opened


RESOURCES = {
    "settings": settings,
    "warehouse": warehouse,
    "checker": checker,
    "run_settings": RunSettings(),
}
