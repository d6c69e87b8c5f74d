"""`atendimento cleanup`: delete runs, logs and check results past their retention period."""

from __future__ import annotations

from orchestration.cli.parameters import warn_renamed


def cleanup() -> None:
    """Delete runs, logs and results past their retention period."""
    from orchestration.runs.bootstrap import open_database_and_instance
    from orchestration.settings import load_settings

    settings = load_settings()
    with open_database_and_instance(settings) as (database, instance):
        from orchestration.maintenance import retention

        removed = retention.apply_retention(settings, database, instance)
    print(f"Removed {removed}.")


def tidy() -> None:
    """Run `cleanup` under its old name, for one release."""
    warn_renamed("atendimento tidy", "atendimento cleanup")
    cleanup()
