"""`atendimento erase CLIENT`: erase a client's personal data (LGPD)."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.parameters import show_progress


def erase(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")],
) -> None:
    """Erase a client's personal data everywhere (LGPD)."""
    from orchestration.settings import load_settings

    settings = load_settings()
    show_progress(settings)

    from orchestration.privacy import erasure

    for line in erasure.erase_client(settings, client_id).lines(settings.group_timezone):
        print(line)
    print("Erased. Keep this receipt.")
