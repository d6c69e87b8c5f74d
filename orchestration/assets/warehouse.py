"""The dbt models as assets: keys and groups by layer, built in one call in this process.

dagster-dbt reads the manifest into asset specs; the build itself goes through `dbt_runner`, which
spares each run a second process and a second parse.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from checks.results import store
from checks.runner import Finding
from orchestration.assets.raw import OWNERS
from orchestration.errors import CheckFailed
from orchestration.postgres.database import Database
from orchestration.progress import stage
from orchestration.publication.dbt import NodeOutcome, build, manifest_path
from orchestration.resources import RunSettings
from orchestration.runs.bootstrap import Warehouse
from orchestration.runs.failures import typed_failures
from orchestration.settings import Settings


class ChecksStopped(CheckFailed):
    """A check stopped publication; the published state is as it was."""


class LayerTranslator(DagsterDbtTranslator):  # type: ignore[misc]
    """Names assets and groups after the layer folder: `marts/agenda_status`."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetSpec:
        """Key and group a model by its layer; leave sources to `_sources.yml`."""
        spec: dg.AssetSpec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] not in ("model", "seed"):
            return spec
        layer = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
        return spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=OWNERS
        )


TRANSLATOR = LayerTranslator(DagsterDbtTranslatorSettings(enable_asset_checks=False))
MANIFEST: Mapping[str, Any] = json.loads(manifest_path().read_text(encoding="utf-8"))


def marts() -> dict[str, dg.AssetKey]:
    """The published tables: name → asset key."""
    return {
        node["name"]: dg.AssetKey(["marts", node["name"]])
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


@dbt_assets(manifest=MANIFEST, dagster_dbt_translator=TRANSLATOR, name="build_models")  # type: ignore[untyped-decorator]
@typed_failures
def warehouse_models(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    run_settings: RunSettings,
) -> Iterator[dg.MaterializeResult[None]]:
    """Build the selected models and their data tests; unit tests belong to the test suite."""
    select = [key.path[-1] for key in context.selected_asset_keys] if context.is_subset else []
    with stage("build", context.run_id) as progress:
        warehouse.assert_held()
        outcomes = build(
            warehouse,
            run_settings.instant,
            settings.home / "dbt",
            select=select,
            on_finished=lambda name, seconds: progress.say(f"{name} ({seconds:.1f} s)"),
        )
        tests = [outcome for outcome in outcomes if outcome.kind == "test"]
        built = [outcome for outcome in outcomes if outcome.kind != "test" and outcome.passed]
        rows = _rows(warehouse)
        progress.say(
            f"{len(built)} models, {len(tests)} data tests, "
            f"{rows.get('marts/agenda_status', 0):,} agendas",
            rows.get("marts/agenda_status", 0),
        )
    for outcome in built:
        key = TRANSLATOR.get_asset_spec(MANIFEST, outcome.unique_id, None).key
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "rows_about": rows.get(key.to_user_string(), 0),
                "execution_seconds": dg.MetadataValue.float(round(outcome.seconds, 3)),
            },
        )
    _record_tests(warehouse, context.run_id, run_settings, tests)


def _rows(warehouse: Database) -> dict[str, int]:
    """About how many rows each built table holds, by asset key, as ANALYZE just counted."""
    with warehouse.connect() as conn:
        return {
            f"{schema.removesuffix('_next')}/{table}": max(rows, 0)
            for schema, table, rows in conn.execute(
                "select relnamespace::regnamespace::text, relname, reltuples::bigint from pg_class"
                " where relnamespace::regnamespace::text"
                " in ('staging', 'intermediate', 'marts_next', 'measurements')"
                " and relkind = 'r'"
            )
        }


def _record_tests(
    warehouse: Database, run_id: str, run_settings: RunSettings, tests: list[NodeOutcome]
) -> None:
    """Keep what dbt's data tests found; a failed one stops the run here."""
    findings = [
        Finding(
            suite="dbt",
            check=test.name,
            table=("marts_next", ""),
            blocking=True,
            passed=test.passed,
            unexpected_count=test.failures or 0,
            details={},
            description=test.name.replace("_", " "),
            screen=test.name.replace("_", " "),
        )
        for test in tests
    ]
    with warehouse.connect() as conn:
        store(conn, run_id, run_settings.instant, findings)
    failed = [test for test in tests if not test.passed]
    if failed:
        raise ChecksStopped(
            "Data tests stopped publication: "
            + "; ".join(f"{test.name} ({test.failures} rows)" for test in failed)
            + ". The published state is as it was; the results stand in ops.check_result."
        )
