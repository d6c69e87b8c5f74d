"""How often: each morning, and through the working day. Not what runs inside."""

from collections.abc import Mapping

import dagster as dg

from orchestration.ingest import ledger
from orchestration.jobs import cleanup, daily
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings

_AT_NIGHT = "30 3 * * *"  # before the morning run, when nobody waits for a page


def run_request(
    as_of: str,
    inbox_folder: str = "",
    run_key: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.RunRequest:
    """A run of the job for one instant (R3) and, when named, one folder of the inbox."""
    return dg.RunRequest(
        run_key=run_key or as_of, run_config=run_config(as_of, inbox_folder), tags=dict(tags or {})
    )


def run_config(as_of: str, inbox_folder: str = "") -> dict[str, object]:
    """The configuration of a run: its instant and its folder of the inbox."""
    config = {"as_of": as_of, "inbox_folder": inbox_folder}
    return {"resources": {"run_settings": {"config": config}}}


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Morning run, refresh and tidying, in the group's time zone, on in a fresh instance."""

    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not settings.source and not _anything_loaded(settings):
            return dg.SkipReason(
                "Nothing is loaded yet and no source is set: set ATENDIMENTO_SOURCE, or put a "
                f"delivery into {settings.watched}."
            )
        # As of the tick, so that a late run gives the rows of a punctual one (R3).
        return run_request(context.scheduled_execution_time.isoformat())

    return [
        dg.ScheduleDefinition(
            name=name,
            job=daily,
            cron_schedule=cron,
            execution_timezone=settings.group_timezone,
            execution_fn=tick,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
        )
        for name, cron, description in (
            ("morning", settings.morning_schedule, "The day's first edition."),
            ("refresh", settings.refresh_schedule, "A new edition through the working day."),
        )
    ] + [
        dg.ScheduleDefinition(
            name="tidy",
            job=cleanup,
            cron_schedule=_AT_NIGHT,
            execution_timezone=settings.group_timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Removes old runs, logs and results.",
        )
    ]


def _anything_loaded(settings: Settings) -> bool:
    with open_database(settings).connect() as conn:
        return ledger.any_loaded(conn)
