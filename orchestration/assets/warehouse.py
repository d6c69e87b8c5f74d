"""The dbt models as assets, built in one call in this process.

dagster-dbt reads the manifest into asset specs; the build itself is `publication.build`, without
a second process or a second parse.
"""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.assets.dbt_manifest import MANIFEST, TRANSLATOR
from orchestration.publication.build import build_models, record_data_tests
from orchestration.resources import RunSettings
from orchestration.runs.bootstrap import Warehouse
from orchestration.runs.failures import typed_failures
from orchestration.settings import Settings


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
    as_of, work_folder = run_settings.instant, settings.home / "dbt"
    built = build_models(warehouse, as_of, work_folder, select=select, run_id=context.run_id)
    for model in built.models:
        key = TRANSLATOR.get_asset_spec(MANIFEST, model.unique_id, None).key
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "rows_about": built.rows.get(key.to_user_string(), 0),
                "execution_seconds": dg.MetadataValue.float(round(model.seconds, 3)),
            },
        )
    record_data_tests(warehouse, context.run_id, as_of, built.tests)
