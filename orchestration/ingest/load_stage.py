"""Loads the source of a run as its stage `load`, and logs what was set aside."""

from __future__ import annotations

from datetime import timedelta

from orchestration.ingest.inbox import named_folder
from orchestration.ingest.load import LoadResult, LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool, store
from orchestration.postgres.database import Database
from orchestration.progress import LOGGER, stage
from orchestration.settings import Settings


def load_source(
    database: Database, settings: Settings, inbox_folder: str, run_id: str
) -> LoadResult:
    """Load a delivery and the WhatsApp events that wait, whole or not at all.

    Args:
        database: Where to load it.
        settings: Where the inbox is, the source of other runs, how strict the load is, and where
            events wait.
        inbox_folder: The name of a folder of the inbox; empty for the source of the settings. With
            neither, only events that wait are loaded.
        run_id: The run that loads it.

    Returns:
        What became of each table; without a source and events, a result without tables.

    Raises:
        DeliveryRefused: The delivery cannot be loaded; the state before it stays.
        DatabaseError: The database failed.
    """
    source = settings.source or ""
    if inbox_folder:
        source = str(named_folder(settings.watched, inbox_folder))
    if not source and not spool.has_waiting_files(settings.whatsapp_spool):
        LOGGER.info("No source is named: computing over what is loaded.")
        return LoadResult(None, (), (), {})
    with stage("load", run_id) as progress:
        total: dict[str, int] = {}

        def on_progress(table: str, rows: int) -> None:
            total[table] = rows
            progress.say(f"{table}, {sum(total.values()):,} rows so far")

        loaded = load_delivery(
            database,
            source or None,
            _load_settings(settings),
            run_id=run_id,
            on_progress=on_progress,
        )
        read = sum(table.read for table in loaded.tables)
        new = sum(table.new for table in loaded.tables)
        progress.say(f"{read:,} rows read, {new:,} new", read)
    _log(loaded)
    return loaded


def _load_settings(settings: Settings) -> LoadSettings:
    return LoadSettings(
        max_rejected_share=settings.max_rejected_share,
        csv_encoding=settings.csv_encoding,
        home=settings.home,
        whatsapp_spool=settings.whatsapp_spool,
        inbox=settings.watched,
        window=timedelta(hours=settings.lookback_hours),
        whole=settings.full_refresh,
        whole_after=timedelta(hours=settings.full_refresh_hours),
        max_file_bytes=settings.max_file_mb << 20,
    )


def _log(loaded: LoadResult) -> None:
    for notice in loaded.notices:
        LOGGER.info("Notice: %s", notice)
    for (name, reason), count in sorted(loaded.rejected_by_reason.items()):
        LOGGER.info(
            "Set aside: %s rows of %s (%s), in raw.rejected_row", f"{count:,}", name, reason
        )
    for events in loaded.tables:
        if events.table == store.NAME:
            counts = (events.read, events.new, events.known, events.rejected, events.parked)
            LOGGER.info(
                "WhatsApp events: %s read, %s new, %s known, %s kept aside, "
                "%s waiting for what they are about",
                *(f"{count:,}" for count in counts),
            )
