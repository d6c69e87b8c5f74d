"""Raw tables as assets: versions, reference rows and WhatsApp events, as delivered.

One multi-asset, since a delivery is one transaction.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets import OWNERS
from orchestration.ingest import raw_tables as ingest_raw_tables
from orchestration.ingest.contract import SOURCE_TABLES, SourceTable
from orchestration.ingest.load import LoadResult
from orchestration.ingest.load_stage import load_source
from orchestration.postgres.database import Database
from orchestration.resources import RunSettings
from orchestration.runs.check_runner import CheckRunner
from orchestration.runs.failures import typed_failures
from orchestration.settings import Settings


def raw_key(table: str) -> dg.AssetKey:
    """The asset key of a raw table."""
    return dg.AssetKey(["raw", table])


def _spec(table: SourceTable) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(table.name),
        group_name="raw",
        kinds={"python", "postgres"},
        owners=OWNERS,
        description=f"{table.description} As delivered (R1, R2).",
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        column.name,
                        column.sql_type,
                        description=column.description or None,
                        constraints=dg.TableColumnConstraints(nullable=column.nullable),
                    )
                    for column in table.columns
                ]
            )
        },
    )


def _event_spec(name: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(name),
        group_name="raw",
        kinds={"python", "postgres"},
        owners=OWNERS,
        description=ingest_raw_tables.EVENT_TABLES[name],
    )


@dg.multi_asset(
    name="load_delivery",
    specs=[*map(_spec, SOURCE_TABLES), *map(_event_spec, ingest_raw_tables.EVENT_TABLES)],
)
@typed_failures
def raw_tables(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Database],
    settings: dg.ResourceParam[Settings],
    checker: dg.ResourceParam[CheckRunner],
    run_settings: RunSettings,
) -> Iterator[dg.MaterializeResult[None]]:
    """Load the delivery of the run, whole or not at all."""
    checker.warm()
    loaded = load_source(warehouse, settings, run_settings.inbox_folder, context.run_id)
    yield from _results(loaded)


def _results(loaded: LoadResult) -> Iterator[dg.MaterializeResult[None]]:
    """One result a table, of those too that the delivery does not hold."""
    if loaded.delivery_id is None:
        names = (*(table.name for table in SOURCE_TABLES), *ingest_raw_tables.EVENT_TABLES)
        for name in names:
            yield dg.MaterializeResult(asset_key=raw_key(name), metadata={"rows_read": 0})
        return
    by_table = {load.table: load for load in loaded.tables}
    for table in SOURCE_TABLES:
        load = by_table.get(table.name)
        yield dg.MaterializeResult(
            asset_key=raw_key(table.name),
            metadata={
                "delivery_id": loaded.delivery_id,
                "file": load.file if load else "",
                "read_since": load.since.isoformat() if load and load.since else "",
                "rows_read": load.read if load else 0,
                "new": load.new if load else 0,
                "known": load.known if load else 0,
                "rejected": load.rejected if load else 0,
                "parked": load.parked if load else 0,
            },
        )
    for name in ingest_raw_tables.EVENT_TABLES:
        yield dg.MaterializeResult(
            asset_key=raw_key(name), metadata={"delivery_id": loaded.delivery_id}
        )
