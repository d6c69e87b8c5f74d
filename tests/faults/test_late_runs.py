"""A run that comes late does not lead readers back, and a lock that is gone is noticed.

Late is a run that waited or is tried again: nobody asked for its instant by hand.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pipeline import environment

from orchestration.postgres.database import Database
from orchestration.publication.recovery import was_committed
from orchestration.resources import RunSettings, settings, warehouse
from orchestration.runs.bootstrap import RunLockLost, Warehouse, run_lock
from orchestration.schedules import run_config
from reports import editions

SIX = datetime(2026, 11, 20, 9, tzinfo=UTC)
NINE = SIX + timedelta(hours=3)
BY_SCHEDULE = {"dagster/schedule_name": "morning"}
TRIED_AGAIN = {"dagster/retry_number": "1"}


def instant_of_a_run(
    database: Database, home: Path, as_of: datetime, tags: dict[str, str]
) -> datetime:
    """The instant for which an asset of that run computes."""
    seen = []

    @dg.op
    def look(warehouse: dg.ResourceParam[Warehouse], run_settings: RunSettings) -> None:
        warehouse.assert_held()
        seen.append(run_settings.instant)

    @dg.job(
        resource_defs={
            "settings": settings,
            "warehouse": warehouse,
            "run_settings": RunSettings(),
        }
    )
    def daily() -> None:
        look()

    named = {"ATENDIMENTO_DATABASE_URL": database.url, "ATENDIMENTO_HOME": str(home)}
    with environment(named), dg.DagsterInstance.ephemeral() as instance:
        daily.execute_in_process(
            instance=instance, tags=tags, run_config=run_config(as_of.isoformat())
        )
    return seen[0]


def publish(database: Database, as_of: datetime, edition: str = "") -> None:
    with database.connect() as conn:
        conn.execute(
            "insert into ops.publication (run_id, as_of, edition) values ('other', %s, %s)",
            [as_of, edition],
        )


@pytest.mark.parametrize("tags", [BY_SCHEDULE, TRIED_AGAIN, {"dagster/sensor_name": "s"}])
def test_a_late_run_computes_for_the_instant_that_is_published(
    database: Database, tmp_path: Path, tags: dict[str, str]
) -> None:
    assert instant_of_a_run(database, tmp_path, SIX, tags) == SIX
    publish(database, NINE)
    assert instant_of_a_run(database, tmp_path, SIX, tags) == NINE
    assert instant_of_a_run(database, tmp_path, NINE, tags) == NINE
    later = NINE + timedelta(microseconds=1)
    assert instant_of_a_run(database, tmp_path, later, tags) == later


def test_who_asks_by_hand_gets_the_instant_they_asked_for(
    database: Database, tmp_path: Path
) -> None:
    publish(database, NINE)
    assert instant_of_a_run(database, tmp_path, SIX, {}) == SIX


def test_an_instant_still_to_come_that_was_published_holds_nobody(
    database: Database, tmp_path: Path
) -> None:
    publish(database, datetime.now(UTC) + timedelta(days=400))
    assert instant_of_a_run(database, tmp_path, SIX, BY_SCHEDULE) == SIX


def test_a_run_leads_readers_to_the_pages_of_what_is_published(
    database: Database, tmp_path: Path
) -> None:
    """A run that died after the link and before the commit leaves pages without their tables."""
    published = tmp_path / "published"
    nine, six = (editions.edition_name(as_of, "11112222") for as_of in (NINE, SIX))
    for name in (six, nine):
        editions.create_edition_folder(published, name)
        editions.activate_edition(published, name)
    publish(database, SIX, six)
    instant_of_a_run(database, tmp_path, NINE, {})
    shown = editions.current_edition(published)
    assert shown
    assert shown.name == six


def test_the_ledger_tells_whether_a_commit_was_done_that_nobody_saw_the_end_of(
    database: Database,
) -> None:
    assert was_committed(database, "other") is False
    publish(database, NINE)
    assert was_committed(database, "other") is True
    nowhere = Database("postgresql://x@127.0.0.1:9/none")
    assert was_committed(nowhere, "other", patience=0) is None


def test_a_lock_whose_session_ended_is_noticed(database: Database) -> None:
    with run_lock(database) as held:
        held.assert_held()
        with database.connect() as conn:
            conn.execute("select pg_terminate_backend(%s)", [held.holder.info.backend_pid])
        with pytest.raises(RunLockLost, match="Nothing was published"):
            held.assert_held()
        with run_lock(database) as other:
            other.assert_held()
