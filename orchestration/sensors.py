"""What reacts: to a complete delivery in the inbox, to a run that failed, to what is to be told."""

from datetime import UTC, datetime

import dagster as dg

from orchestration import aftermath, bookkeeping, standing
from orchestration.inbox import InboxFolder, folders
from orchestration.ingest import ledger, tables
from orchestration.jobs import daily
from orchestration.liveness import end_dead_runs
from orchestration.outcome import explain
from orchestration.runtime import open_database
from orchestration.schedules import run_request
from orchestration.settings import Settings, load_settings


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """All sensors, on in a fresh instance."""

    @dg.sensor(
        job=daily,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the job for each new complete delivery folder of the inbox.",
    )
    def delivery_arrived(_: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        found = list(folders(settings.watched))
        # The run key names the content: the same folder is asked for once, changed it is new. Runs
        # are forgotten in time; the ledger is not, and old reference tables must not come back.
        requests = [
            run_request(
                datetime.now(UTC).isoformat(),
                str(folder.path),
                run_key=f"{folder.path.name}-{folder.manifest}",
            )
            for folder in _not_taken([folder for folder in found if folder.complete])
        ]
        if not requests:
            waits = [
                f" {folder.path.name} is incomplete ({'; '.join(folder.lacks)})."
                for folder in found
                if not folder.complete
            ]
            return dg.SkipReason(
                f"No new complete delivery folder in {settings.watched}.{''.join(waits)}"
            )
        return dg.SensorResult(run_requests=requests)

    @dg.run_failure_sensor(
        monitored_jobs=[daily],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Keeps the sentence of each failed run, for `doctor` and the quality page.",
    )
    def run_failed(context: dg.RunFailureSensorContext) -> None:
        settings = load_settings()
        database = open_database(settings)
        failures = [*context.get_step_failure_events(), context.failure_event]
        ended = explain(context.dagster_run.run_id, failures, database)
        with database.connect() as conn:
            bookkeeping.record_failure(conn, ended.run_id, ended.reason, ended.kind)
        standing.refresh(settings, database)
        context.log.error(ended.reason)

    @dg.sensor(
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks as failed each run whose process is gone: the next would wait for it.",
    )
    def run_died(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = end_dead_runs(context.instance, open_database(load_settings()))
        return dg.SkipReason(f"Ended: {', '.join(ended)}." if ended else "No dead run.")

    @dg.sensor(
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells what went wrong and what is well again, and writes the metrics.",
    )
    def news(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = load_settings()
        database = open_database(settings)
        try:
            aftermath.tell(settings, database, wait=False)
        finally:
            aftermath.write_metrics(settings, database, context.instance)
        return dg.SkipReason("Told what there was to tell.")

    return [delivery_arrived, run_failed, run_died, news]


def _not_taken(found: list[InboxFolder]) -> list[InboxFolder]:
    """Those that the ledger does not know."""
    if not found:
        return []
    with open_database(load_settings()).connect() as conn:
        tables.prepare(conn)
        return [folder for folder in found if not ledger.was_taken(conn, *folder.content)]
