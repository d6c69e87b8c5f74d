"""Raw tables: versions, reference rows and WhatsApp events, as delivered.

One multi-asset, since a delivery is one transaction. Knows how to call `ingest` and what to tell
Dagster about it; knows no rule.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from orchestration.ingest import raw_tables as ingest_raw_tables
from orchestration.ingest.contract import SOURCE_TABLES, SourceTable
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool, store
from orchestration.postgres.database import Database
from orchestration.progress import LOGGER, stage
from orchestration.resources import RunSettings
from orchestration.runs.check_runner import CheckRunner
from orchestration.runs.failures import typed_failures
from orchestration.settings import Settings

OWNERS = ["team:data"]


def raw_key(table: SourceTable | str) -> dg.AssetKey:
    """The asset key of a raw table."""
    return dg.AssetKey(["raw", table if isinstance(table, str) else table.name])


def _spec(table: SourceTable) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(table),
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
    source = run_settings.source or settings.source
    if not source and not spool.has_waiting_files(settings.whatsapp_spool):
        LOGGER.info("No source is named: computing over what is loaded.")
        for key in (*map(raw_key, SOURCE_TABLES), *map(raw_key, ingest_raw_tables.EVENT_TABLES)):
            yield dg.MaterializeResult(asset_key=key, metadata={"rows_read": 0})
        return
    with stage("load", context.run_id) as progress:
        total: dict[str, int] = {}

        def on_progress(table: str, rows: int) -> None:
            total[table] = rows
            progress.say(f"{table}, {sum(total.values()):,} rows so far")

        loaded = load_delivery(
            warehouse,
            source or None,
            LoadSettings(
                max_rejected_share=settings.max_rejected_share,
                csv_encoding=settings.csv_encoding,
                whatsapp_spool=settings.whatsapp_spool,
                inbox=settings.watched,
                window=timedelta(hours=settings.lookback_hours),
                whole=settings.full_refresh,
                whole_after=timedelta(hours=settings.full_refresh_hours),
            ),
            run_id=context.run_id,
            on_progress=on_progress,
        )
        read = sum(table.read for table in loaded.tables)
        new = sum(table.new for table in loaded.tables)
        progress.say(f"{read:,} rows read, {new:,} new", read)
    for notice in loaded.notices:
        LOGGER.info("Notice: %s", notice)
    for (name, reason), count in sorted(loaded.rejected_by_reason.items()):
        LOGGER.info(
            "Set aside: %s rows of %s (%s), in raw.rejected_row", f"{count:,}", name, reason
        )
    by_table = {load.table: load for load in loaded.tables}
    if events := by_table.get(store.NAME):
        LOGGER.info(
            "WhatsApp events: %s read, %s new, %s known, %s waiting for what they are about",
            *(f"{count:,}" for count in (events.read, events.new, events.known, events.parked)),
        )
    for table in SOURCE_TABLES:
        load = by_table.get(table.name)
        yield dg.MaterializeResult(
            asset_key=raw_key(table),
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
