"""`atendimento demo`: write a demo delivery."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.parameters import AsOf


def demo(
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    agendas: Annotated[int, typer.Option(help="How many agendas to write.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    as_of: AsOf = None,
) -> None:
    """Write a demo delivery."""
    from orchestration.demo import write_demo

    def write(on_progress: Callable[[int], None]) -> None:
        write_demo(
            folder,
            agendas=agendas,
            seed=seed,
            as_of=as_of or datetime.now(UTC),
            on_progress=on_progress,
        )

    if sys.stderr.isatty():
        from orchestration.cli.progress_bar import counting

        with counting("agendas", agendas) as on_progress:
            write(on_progress)
    else:
        write(lambda rows: print(f"{rows:,} of {agendas:,} agendas", file=sys.stderr))
    print(f"Wrote {folder}. Next: atendimento run --source {folder}")
