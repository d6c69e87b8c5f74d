"""`atendimento deliveries`: list what came when, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from orchestration.cli.parameters import DATE, AsJson, print_json

if TYPE_CHECKING:
    from orchestration.monitoring.delivery_report import DeliveryReport
    from orchestration.settings import Settings


def deliveries(
    first: Annotated[
        date | None, typer.Option("--from", help="The first day; default: 7 days.", **DATE)
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", help="The last day; default: today.", **DATE)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what came when, and what became of it."""
    from orchestration.monitoring.delivery_report import read_deliveries
    from orchestration.settings import load_settings

    settings = load_settings()
    today = datetime.now(ZoneInfo(settings.group_timezone)).date()
    report = read_deliveries(settings, first, last, today)
    if as_json:
        print_json(_as_json(report, settings.group_timezone))
        return
    for line in report_lines(report, settings):
        print(line)


def report_lines(report: DeliveryReport, settings: Settings) -> Iterator[str]:
    """One line for each delivery with its files, then what has not been loaded."""
    from orchestration.runs.as_of import format_instant

    zone = settings.group_timezone
    if not report.deliveries:
        yield f"No delivery came from {report.first} to {report.last}."
    for delivery in report.deliveries:
        yield f"{format_instant(delivery.started_at, zone)}  {delivery.status:<8} {delivery.source}"
        if delivery.message:
            yield f"    {delivery.message}"
        for file in delivery.files:
            since = file.read_since
            yield (
                f"    {file.file_name:<24} read {file.rows_read:,}  new {file.rows_new:,}"
                f"  known {file.rows_known:,}  rejected {file.rows_rejected:,}"
                f"  parked {file.rows_parked:,}"
                + (f"  from {format_instant(since, zone)} on" if since else "")
            )
    if report.waiting:
        yield f"In {settings.watched}:"
    for folder in report.waiting:
        what = "complete, not taken yet" if folder.complete else "incomplete"
        written_at = format_instant(folder.written_at, zone)
        yield f"    {folder.name}: {what}, last written {written_at}"
        yield from (f"      {lack}" for lack in folder.lacks)
    for events in report.spool:
        what = "being written" if events.is_open else "waits for the next run"
        written_at = format_instant(events.written_at, zone)
        yield f"WhatsApp events {events.name}: {what}, last written {written_at}"


def _as_json(report: DeliveryReport, timezone: str) -> dict[str, Any]:
    from orchestration.runs.as_of import iso_instant

    return {
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "deliveries": [
            {
                "started_at": iso_instant(delivery.started_at, timezone),
                "source": delivery.source,
                "status": delivery.status,
                "message": delivery.message,
                "files": [
                    {
                        **asdict(file),
                        "read_since": file.read_since and iso_instant(file.read_since, timezone),
                    }
                    for file in delivery.files
                ],
            }
            for delivery in report.deliveries
        ],
        "inbox": [
            {
                "folder": folder.name,
                "complete": folder.complete,
                "lacks": list(folder.lacks),
                "written_at": iso_instant(folder.written_at, timezone),
            }
            for folder in report.waiting
        ],
        "whatsapp_events": [
            {
                "file": events.name,
                "open": events.is_open,
                "written_at": iso_instant(events.written_at, timezone),
            }
            for events in report.spool
        ],
    }
