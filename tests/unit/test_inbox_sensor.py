"""The sensor of the inbox: which folder is asked for, and again when its run failed on the way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pipeline import environment

from orchestration import sensors
from orchestration.definitions import defs
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.inbox import inbox_folders
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.load_stage import load_source
from orchestration.postgres.database import Database
from orchestration.schedules import run_config
from orchestration.settings import load_settings
from tests.deliveries import BASE, agenda, write
from tests.unit.ingest.test_manifest import signed

RUN = dg.DagsterRunStatus
DAY = timedelta(days=1)


@pytest.fixture
def inbox(database: Database, tmp_path: Path) -> Iterator[Path]:
    """The inbox of a home, with one complete folder in it."""
    folder = write(tmp_path / "inbox" / "tuesday", {**BASE, "agenda": [agenda()]})
    signed(folder)
    said = {"ATENDIMENTO_HOME": str(tmp_path), "ATENDIMENTO_DATABASE_URL": database.url}
    with environment(said):
        yield folder.parent


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def sensor() -> dg.SensorDefinition:
    found = {
        one.name: one for one in sensors.build_sensors(load_settings(Path("/nonexistent/.env")))
    }
    return found["delivery_arrived"]


def asked(instance: dg.DagsterInstance, inbox: Path, at: datetime) -> list[str]:
    """The run keys that the sensor asks for at an instant."""
    (folder,) = inbox_folders(inbox)
    request = sensors.inbox_run_request(instance, folder, at)
    return [request.run_key or ""] if request else []


def began(instance: dg.DagsterInstance, request: dg.RunRequest) -> str:
    """The run that the daemon makes of a request, under way."""

    @dg.job(name="daily")
    def daily() -> None: ...

    tags = {**request.tags, "dagster/run_key": request.run_key or ""}
    return instance.create_run_for_job(daily, status=RUN.STARTED, tags=tags).run_id


def failed(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    assert run
    instance.report_run_failed(run)


def test_a_folder_whose_run_failed_on_the_way_is_asked_for_again_each_time_later(
    inbox: Path, instance: dg.DagsterInstance
) -> None:
    keys = []
    (folder,) = inbox_folders(inbox)
    at = datetime.now(UTC)
    for number in range(4):
        request = sensors.inbox_run_request(instance, folder, at)
        assert request
        assert asked(instance, inbox, at) == [request.run_key]  # until the daemon has taken it up
        keys.append(request.run_key)
        run_id = began(instance, request)
        assert asked(instance, inbox, at + DAY) == []
        failed(instance, run_id)
        wait = sensors.FIRST_WAIT * 2**number
        assert asked(instance, inbox, datetime.now(UTC) + wait - timedelta(seconds=10)) == []
        at = datetime.now(UTC) + wait
        assert asked(instance, inbox, at) != []
    assert len(set(keys)) == 4
    for _ in range(10):
        failed(instance, began(instance, request))
    assert asked(instance, inbox, datetime.now(UTC) + sensors.LONGEST_WAIT) != []
    # Written anew, it is another delivery.
    write(folder.path, {"agenda": [agenda("a2")]})
    signed(folder.path)
    assert asked(instance, inbox, datetime.now(UTC)) != []


def test_a_folder_is_asked_for_until_the_ledger_knows_it(
    database: Database, inbox: Path, instance: dg.DagsterInstance, sensor: dg.SensorDefinition
) -> None:
    with dg.build_sensor_context(instance=instance) as context:
        (request,) = sensor.evaluate_tick(context).run_requests or []
        config = request.run_config["resources"]["run_settings"]["config"]
        assert config["inbox_folder"] == "tuesday"
        load_delivery(database, inbox / "tuesday", LoadSettings(inbox=inbox))
        assert not sensor.evaluate_tick(context).run_requests


@pytest.mark.timeout(30)
def test_no_entry_of_the_inbox_stops_the_sensor(
    inbox: Path, instance: dg.DagsterInstance, sensor: dg.SensorDefinition
) -> None:
    for name, make in {
        "a link": lambda path: (path / "manifest.json").symlink_to("/dev/zero"),
        "a fifo": lambda path: os.mkfifo(path / "manifest.json"),
        "a name of other bytes \udcff": lambda path: signed(write(path, BASE)),
        "a list": lambda path: (path / "manifest.json").write_text('{"files": [' * 9999),
    }.items():
        (inbox / name).mkdir()
        make(inbox / name)
    (inbox / "loop").symlink_to(inbox / "loop")
    with dg.build_sensor_context(instance=instance) as context:
        (request,) = sensor.evaluate_tick(context).run_requests or []
        assert (request.run_key or "").startswith("tuesday-")
        shutil.rmtree(inbox / "tuesday")
        skipped = sensor.evaluate_tick(context).skip_message or ""
    assert (
        "a fifo is incomplete (manifest.json cannot be read: it is not a regular file)" in skipped
    )
    assert skipped.isprintable()


def test_an_inbox_that_cannot_be_listed_is_told(
    inbox: Path, instance: dg.DagsterInstance, sensor: dg.SensorDefinition
) -> None:
    shutil.rmtree(inbox)
    inbox.touch()
    with dg.build_sensor_context(instance=instance) as context:
        assert "cannot be read: Not a directory" in (
            sensor.evaluate_tick(context).skip_message or ""
        )


@pytest.mark.parametrize(
    "named",
    ["../elsewhere", "..", ".", "{inbox}/tuesday", "tuesday/", "link", ".hidden", "missing", "a\0",
     "postgresql://reader:s3cret@crm.example/crm?schema=export"],
)  # fmt: skip
def test_a_run_of_dagster_names_a_folder_of_the_inbox_or_nothing(
    database: Database, inbox: Path, named: str
) -> None:
    for folder in ("elsewhere", "inbox/.hidden"):
        signed(write(inbox.parent / folder, {**BASE, "agenda": [agenda()]}))
    (inbox / "link").symlink_to(inbox.parent / "elsewhere")
    settings = load_settings(Path("/nonexistent/.env"))
    with pytest.raises(DeliveryRefused, match="not in the inbox") as refused:
        load_source(database, settings, named.format(inbox=inbox), "run")
    assert "s3cret" not in str(refused.value)
    with database.connect() as conn:
        assert conn.execute("select count(*) from raw.agenda").fetchone() == (0,)


def test_a_run_of_dagster_loads_the_named_folder_or_the_source_of_the_settings(
    database: Database, inbox: Path
) -> None:
    other = write(inbox.parent / "crm", {**BASE, "agenda": [agenda("a9")]})
    settings = load_settings(Path("/nonexistent/.env")).model_copy(update={"source": str(other)})
    for name, found in (("tuesday", {"a1"}), ("", {"a1", "a9"})):
        load_source(database, settings, name, "run")
        with database.connect() as conn:
            assert {row[0] for row in conn.execute("select agenda_id from raw.agenda")} == found


@pytest.mark.parametrize("source", ["/srv/foreign", "postgresql://evil.example/crm?schema=export"])
def test_a_run_whose_configuration_names_a_source_is_refused(source: str) -> None:
    config = run_config("", "tuesday")
    job = defs.resolve_job_def("daily")
    assert dg.validate_run_config(job, config)
    config["resources"]["run_settings"]["config"]["source"] = source  # type: ignore[index]
    with pytest.raises(dg.DagsterInvalidConfigError, match="unexpected config entry"):
        dg.validate_run_config(job, config)
