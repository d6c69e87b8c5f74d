"""`atendimento metrics`: print the metrics."""

from __future__ import annotations


def metrics() -> None:
    """Print the metrics in Prometheus' text form."""
    from orchestration.runs.bootstrap import open_database_and_instance
    from orchestration.settings import load_settings

    settings = load_settings()
    with open_database_and_instance(settings) as (database, instance):
        from orchestration.monitoring import metrics

        print(metrics.read_metrics(settings, database, instance), end="")
