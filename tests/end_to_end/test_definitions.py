"""The Dagster code location: what it holds, and that it is on in a fresh instance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import dagster as dg
import pytest
from pipeline import environment

from orchestration.definitions import defs
from orchestration.ingest import ledger
from orchestration.ingest.contract import SOURCE_TABLES
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.inbox import inbox_folders
from orchestration.ingest.raw_tables import EVENT_TABLES
from orchestration.postgres.database import Database
from orchestration.resources import RunSettings
from orchestration.runs.failures import typed_failures
from orchestration.runs.stale_runs import tags_of_run_by_hand
from orchestration.schedules import build_schedules
from orchestration.sensors import build_sensors
from orchestration.settings import load_settings

NO_FILE = Path("/nonexistent/.env")


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_it_loads() -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_raw_table_and_every_model_is_an_asset_of_its_layer(root: Path) -> None:
    models = (root / "dbt_project" / "models").rglob("*.sql")
    expected = {f"{path.parent.name}/{path.stem}" for path in models}
    expected |= {f"raw/{name}" for name in (*map(attrgetter("name"), SOURCE_TABLES), *EVENT_TABLES)}
    expected |= {"pages/edition", "publication/marts"}
    assert expected <= specs().keys()
    for key in expected:
        spec = specs()[key]
        assert spec.group_name == key.partition("/")[0]
        assert spec.owners, key
        assert spec.description, key


def test_published_columns_are_described() -> None:
    for key, spec in specs().items():
        if key.startswith("marts/"):
            schema = spec.metadata["dagster/column_schema"]
            assert all(column.description for column in schema.columns), key


def test_the_job_goes_from_load_to_publication() -> None:
    order = [node.name for node in defs.resolve_job_def("daily").nodes_in_topological_order]
    assert order == [
        "load_delivery",
        "loaded_suite",
        "build_models",
        "published_suite",
        "pages__edition",
        "publication__marts",
    ]


def test_schedules_and_sensors_are_on_in_a_fresh_instance() -> None:
    repository = defs.get_repository_def()
    schedules = repository.schedule_defs
    assert {schedule.name for schedule in schedules} == {"morning", "refresh", "tidy"}
    assert all(s.default_status == dg.DefaultScheduleStatus.RUNNING for s in schedules)
    assert all(s.execution_timezone == "America/Sao_Paulo" for s in schedules)
    sensors = repository.sensor_defs
    assert {sensor.name for sensor in sensors} == {
        "delivery_arrived",
        "run_failed",
        "run_died",
        "news",
    }
    assert all(s.default_status == dg.DefaultSensorStatus.RUNNING for s in sensors)


def test_a_schedule_passes_its_tick_as_the_instant() -> None:
    tick = datetime(2026, 11, 20, 9, tzinfo=UTC)
    schedule = build_schedules(load_settings(NO_FILE).model_copy(update={"source": "crm"}))[0]
    context = dg.build_schedule_context(scheduled_execution_time=tick)
    request = schedule.evaluate_tick(context).run_requests[0]
    assert request.run_config["resources"]["run_settings"]["config"]["as_of"] == tick.isoformat()


def test_a_schedule_waits_for_a_first_delivery(database: Database, tmp_path: Path) -> None:
    """A fresh instance has nothing to compute over: that is no failure."""
    with environment({"ATENDIMENTO_DATABASE_URL": database.url}):
        settings = load_settings(NO_FILE)
    context = dg.build_schedule_context(scheduled_execution_time=datetime.now(UTC))
    tick = build_schedules(settings)[0].evaluate_tick(context)
    assert not tick.run_requests
    assert "Nothing is loaded yet" in (tick.skip_message or "")


def test_an_instant_is_fixed_once_for_a_run() -> None:
    given = RunSettings(as_of="2026-11-20T12:00:00-03:00")
    assert given.instant == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_the_failure_sensor_keeps_the_sentence(database: Database, tmp_path: Path) -> None:
    @dg.op
    @typed_failures
    def load() -> None:
        raise DeliveryRefused("agenda.csv, line 3: nothing was loaded")

    @dg.job
    def daily() -> None:
        load()

    with dg.DagsterInstance.ephemeral() as instance:
        result = daily.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failed",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        with environment(
            {"ATENDIMENTO_DATABASE_URL": database.url, "ATENDIMENTO_HOME": str(tmp_path)}
        ):
            build_sensors(load_settings(NO_FILE))[1](context)
    with database.connect() as conn:
        kept = conn.execute("select run_id, message, kind from ops.run_failure").fetchall()
    assert kept == [(result.run_id, "agenda.csv, line 3: nothing was loaded", "DeliveryRefused")]
    told = (tmp_path / "published" / "qualidade.html").read_text(encoding="utf-8")
    assert "agenda.csv, line 3: nothing was loaded" in told


def test_the_sensor_ends_a_run_whose_process_is_gone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.job
    def daily() -> None: ...

    run_id = "0f5b7a44-8a5b-4c0e-9c1e-6d5c3a0a7c11"
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(
            daily,
            run_id=run_id,
            status=dg.DagsterRunStatus.STARTED,
            tags=tags_of_run_by_hand(run_id),
        )
        with environment({"ATENDIMENTO_DATABASE_URL": database.url}):
            sensor = build_sensors(load_settings(NO_FILE))[2]
            said = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).skip_message
        run = instance.get_run_by_id(run_id)
    assert run
    assert (run.status, said) == (dg.DagsterRunStatus.FAILURE, f"Ended: {run_id}.")


def delivery(inbox: Path, name: str, *, complete: bool = True, text: str = "a,b\n") -> Path:
    folder = inbox / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agenda.csv").write_text(text)
    size = len(text) if complete else len(text) + 1
    (folder / "manifest.json").write_text(
        json.dumps({"files": [{"name": "agenda.csv", "bytes": size}]})
    )
    return folder


def test_the_sensor_asks_for_complete_deliveries_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    inbox = tmp_path / "inbox"
    monkeypatch.setenv("ATENDIMENTO_DATABASE_URL", database.url)
    monkeypatch.setenv("ATENDIMENTO_INBOX", str(inbox))
    sensor = build_sensors(load_settings(tmp_path / "none"))[0]

    def requested() -> dict[str, str]:
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance) as context,
        ):
            result = sensor.evaluate_tick(context)
        return {
            request.run_key: request.run_config["resources"]["run_settings"]["config"][
                "inbox_folder"
            ]
            for request in result.run_requests
        }

    assert requested() == {}
    delivery(inbox, "half", complete=False)
    (inbox / "copying").mkdir()
    assert requested() == {}
    tuesday = delivery(inbox, "tuesday")
    first = requested()
    assert list(first.values()) == ["tuesday"]
    assert requested() == first, "the same content has the same run key"
    delivery(inbox, "tuesday", text="a,b\n1,2\n")
    second = requested()
    assert second.keys() != first.keys(), "changed content is a new delivery"
    (inbox / ".wednesday.making").mkdir()
    (tuesday / "manifest.json").rename(inbox / ".wednesday.making" / "manifest.json")
    assert requested() == {}, "hidden, or without a manifest"
    (inbox / ".wednesday.making" / "manifest.json").rename(tuesday / "manifest.json")
    with database.connect() as conn:
        ledger.record_refusal(conn, str(tuesday), "", datetime.now(UTC), "no", "another")
    assert requested().keys() == second.keys(), "another content was refused"
    with database.connect() as conn:
        (manifest,) = (folder.manifest for folder in inbox_folders(inbox) if folder.complete)
        ledger.record_refusal(conn, str(tuesday), "", datetime.now(UTC), "no", manifest)
    assert requested() == {}, "what the ledger knows is not asked for again, runs or not"
