"""`atendimento stop`: stop the embedded PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer


def stop(
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the database and its programs.")
    ] = False,
    confirmed: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Stop the embedded PostgreSQL."""
    from orchestration.postgres import embedded
    from orchestration.settings import load_settings

    data_directory = load_settings().home / "postgres"
    if not delete_data:
        embedded.stop_server(data_directory)
        return
    if not confirmed:
        typer.confirm(
            f"Delete the database of {data_directory}? This cannot be undone.", abort=True
        )
    embedded.remove_server(data_directory)
