"""`atendimento stop`: stop the embedded PostgreSQL."""

from __future__ import annotations


def stop() -> None:
    """Stop the embedded PostgreSQL."""
    from orchestration.postgres import embedded
    from orchestration.settings import load_settings

    embedded.stop_server(load_settings().home / "postgres")
