"""What reacts: to a complete delivery in the inbox, and to a run that failed."""

from datetime import UTC, datetime

import dagster as dg

from orchestration import bookkeeping, standing
from orchestration.inbox import complete_deliveries
from orchestration.jobs import daily
from orchestration.liveness import end_dead_runs
from orchestration.outcome import explain
from orchestration.runtime import open_database
from orchestration.schedules import run_request
from orchestration.settings import Settings, load_settings


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The inbox sensor and the failure sensor, on in a fresh instance."""

    @dg.sensor(
        job=daily,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the job for each new complete delivery folder of the inbox.",
    )
    def delivery_arrived(_: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        # The run key names the content: the same folder is asked for once, changed it is new.
        requests = [
            run_request(datetime.now(UTC).isoformat(), str(folder), run_key=key)
            for folder, key in complete_deliveries(settings.watched)
        ]
        if not requests:
            return dg.SkipReason(f"No complete delivery folder in {settings.watched}.")
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

    return [delivery_arrived, run_failed, run_died]
