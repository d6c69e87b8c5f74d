"""`atendimento run`: load, build, check and publish one delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.parameters import AsJson, AsOf, print_json, renamed, show_progress
from orchestration.errors import STOPPED_BY_CHECK, UsageError, UserError

if TYPE_CHECKING:
    from orchestration.launch.daily_run import PublishedRun
    from orchestration.settings import Settings

_TOTALIZERS = (
    "active", "no_show", "passive", "refused", "booked", "call_requested", "no_reply", "replied",
)  # fmt: skip


def run(
    source: Annotated[
        str | None, typer.Option(help="Delivery folder, or postgresql://…?schema=NAME.")
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Read a database whole, not only what is new.")
    ] = False,
    whole: Annotated[
        bool,
        typer.Option("--whole", hidden=True, callback=renamed("--whole", "--full-refresh")),
    ] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Load, build, check, publish: the main job."""
    try:
        _run(source, full_refresh or whole, as_of or datetime.now(UTC), as_json)
    except UserError as error:
        if as_json:
            print_json(
                {
                    "status": "stopped" if error.exit_code == STOPPED_BY_CHECK else "failed",
                    "exit_code": error.exit_code,
                    "kind": error.kind,
                    "reason": str(error),
                }
            )
        raise


def _run(source: str | None, full_refresh: bool, as_of: datetime, as_json: bool) -> None:
    from orchestration.settings import load_settings

    settings = load_settings()
    source = source or settings.source
    if not source:
        raise UsageError(
            "No source is named. Write a demo delivery with `atendimento demo var/demo` and run "
            "`atendimento run --source var/demo`, or set ATENDIMENTO_SOURCE."
        )
    if full_refresh:
        settings = settings.model_copy(update={"full_refresh": True})
    show_progress(settings)

    from orchestration.launch import daily_run

    published = daily_run.run_daily_job(settings, _absolute(source), as_of)
    if as_json:
        print_json(_as_json(settings, as_of, published))
        return
    for line in _lines(settings, as_of, published):
        print(line, flush=True)


def _absolute(source: str) -> str:
    """A folder by its absolute path: the job may run in another folder than the caller."""
    return source if "://" in source else str(Path(source).expanduser().absolute())


def _lines(settings: Settings, as_of: datetime, published: PublishedRun) -> Iterator[str]:
    """What is printed for a person; the last line says how the run ended."""
    from orchestration.runs.as_of import iso_instant

    for warning in published.warnings:
        yield f"Warning: check {warning}"
    if published.totals is None:
        yield "The totals cannot be shown: the database does not answer any more."
    else:
        yield ""
        yield from _totals(published.totals)
    own, largest = published.peak_memory_mb
    yield f"\npeak memory {own} MB (largest process it started: {largest} MB)"
    shown = iso_instant(as_of, settings.group_timezone)
    yield f"Published as of {shown}. Open {settings.published / 'current' / 'index.html'}"


def _totals(totals: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """The totals of R11 per company, as lines of a table."""
    yield f"{'company':<20}" + "".join(f"{name:>15}" for name in _TOTALIZERS)
    for company, counts in sorted(totals.items()):
        yield f"{company:<20}" + "".join(f"{counts.get(name, 0):>15,}" for name in _TOTALIZERS)


def _as_json(settings: Settings, as_of: datetime, published: PublishedRun) -> dict[str, object]:
    from orchestration.runs.as_of import iso_instant

    own, largest = published.peak_memory_mb
    return {
        "status": "published",
        "exit_code": 0,
        "run_id": published.run_id,
        "as_of": iso_instant(as_of, settings.group_timezone),
        "index": str(settings.published / "current" / "index.html"),
        "warnings": published.warnings,
        "totals": published.totals,
        "peak_memory_mb": {"own": own, "largest_child": largest},
    }
