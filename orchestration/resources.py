"""What assets are given: settings, the database, the run's instant and source, the check worker.

A run's settings are read here, when it starts; the code location's own (schedules, inbox) when
it is loaded, in `definitions.py`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
from pydantic import PrivateAttr

from orchestration.checking import Checker, open_checker
from orchestration.database import Database
from orchestration.instants import parse_instant
from orchestration.liveness import alive
from orchestration.runtime import open_database, run_lock
from orchestration.settings import Settings, load_settings

_ASKED_BY_ITSELF = ("dagster/schedule_name", "dagster/sensor_name")


class RunSettings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The instant a run computes for (R3) and the delivery it loads.

    `as_of`: ISO 8601 with an offset; empty is the moment the run was made, the same for each of
    its steps. `source`: a folder or a URL; empty is the setting, and without one a run computes
    over what is loaded.
    """

    as_of: str = ""
    source: str = ""

    _created_at: datetime = PrivateAttr()

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Fix the instant once, at the run's own creation."""
        record = None
        if context.instance and context.run_id:
            record = context.instance.get_run_record_by_id(context.run_id)
        self._created_at = record.create_timestamp if record else datetime.now(UTC)

    @property
    def instant(self) -> datetime:
        """`as_of` as a moment in UTC."""
        moment = parse_instant(self.as_of) if self.as_of else self._created_at
        return moment.astimezone(UTC)


@dg.resource(description="The settings of the environment, read when the run starts.")
def settings(_: dg.InitResourceContext) -> Settings:
    """Read the settings of the environment."""
    return load_settings()


@dg.resource(
    required_resource_keys={"settings"},
    description="The database, held for this run alone: a second run at the same time fails, "
    "unless a schedule or a sensor asked for it; then it waits.",
)
def warehouse(context: dg.InitResourceContext) -> Iterator[Database]:
    """Open the database and hold the run lock until the run ends."""
    database = open_database(context.resources.settings)
    # A delivery's run is asked for once: if it failed because somebody runs by hand just now, the
    # delivery would never be loaded.
    asked_for = context.run.tags if context.run else {}

    def given_up() -> bool:
        run = context.instance.get_run_by_id(context.run_id or "") if context.instance else None
        return run is not None and run.is_finished

    with (
        alive(database, context.run_id or "", given_up),
        run_lock(database, wait=any(tag in asked_for for tag in _ASKED_BY_ITSELF)),
    ):
        yield database


@dg.resource(
    required_resource_keys={"settings"},
    description="Great Expectations, in a process of its own.",
)
def checker(context: dg.InitResourceContext) -> Iterator[Checker]:
    """A checker whose process starts when it is first needed, or warmed."""
    with open_checker(context.resources.settings) as opened:
        yield opened


RESOURCES = {
    "settings": settings,
    "warehouse": warehouse,
    "checker": checker,
    "run_settings": RunSettings(),
}
