"""`atendimento start`: start the embedded PostgreSQL."""

from __future__ import annotations


def start() -> None:
    """Start the embedded PostgreSQL."""
    from orchestration.runs.bootstrap import open_database, prepare_home
    from orchestration.settings import load_settings

    settings = load_settings()
    prepare_home(settings)
    database = open_database(settings.model_copy(update={"embedded_autostart": True}))
    print(f"{database.label} answers.")
