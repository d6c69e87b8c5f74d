"""`atendimento doctor`: say what is configured, reachable, fresh and wrong."""

from __future__ import annotations

from dataclasses import asdict

import typer

from orchestration.cli.parameters import AsJson, print_json
from orchestration.errors import FAILED


def doctor(as_json: AsJson = False) -> None:
    """Say what is configured, reachable, fresh and wrong, one line each."""
    from orchestration.monitoring.doctor import run_checks
    from orchestration.settings import load_settings

    settings = load_settings()
    lines = []
    for line in run_checks(settings):
        lines.append(line)
        if not as_json:
            print(f"{'ok   ' if line.well else 'WRONG'}  {line.what}: {line.says}", flush=True)
    well = all(line.well for line in lines)
    if as_json:
        print_json({"well": well, "lines": [asdict(line) for line in lines]})
    if not well:
        raise typer.Exit(FAILED)
