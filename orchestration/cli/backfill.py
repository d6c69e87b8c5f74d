"""`atendimento backfill`: compute the history of past days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from orchestration.cli.parameters import DATE, renamed, show_progress
from orchestration.errors import Interrupted


def backfill(
    first: Annotated[date, typer.Option("--from", help="The first day.", **DATE)],
    last: Annotated[date, typer.Option("--to", help="The last day.", **DATE)],
    force: Annotated[
        bool, typer.Option("--force", help="Also compute days that are done already.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", hidden=True, callback=renamed("--again", "--force"))
    ] = False,
) -> None:
    """Compute the history of past days, each as of its end."""
    from orchestration.settings import load_settings

    settings = load_settings()
    show_progress(settings)

    from orchestration.launch import backfill

    try:
        done = backfill.run_backfill(
            settings, first, last, clock=datetime.now(UTC), again=force or again
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "Interrupted. Finished days stay; the same command computes the others."
        ) from None
    known = f" Done before: {done.known} (--force computes them again)." if done.known else ""
    print(f"Days of history computed: {done.computed}.{known}")
