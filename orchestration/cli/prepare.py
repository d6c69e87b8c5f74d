"""`atendimento prepare`: parse the dbt project."""

from __future__ import annotations


def prepare() -> None:
    """Parse the dbt project (part of `make setup`)."""
    from orchestration.publication.dbt import manifest_path

    manifest_path()
