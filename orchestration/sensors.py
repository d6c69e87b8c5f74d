"""What reacts: to a complete delivery in the inbox, to a run that failed, to what is to be told."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.ingest import ledger
from orchestration.ingest.inbox import InboxFolder, inbox_folders
from orchestration.jobs import daily
from orchestration.maintenance import post_run
from orchestration.publication import status_pages
from orchestration.runs.bootstrap import open_database
from orchestration.runs.run_result import result_of_failed_run
from orchestration.runs.stale_runs import end_stale_runs
from orchestration.schedules import run_request
from orchestration.settings import Settings, load_settings

CONTENT = "atendimento/delivery"  # the tag that says for which folder, as it then was, a run is
SHOWN = 20  # incomplete folders named by a tick that asks for no run
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(days=1)


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """All sensors, on in a fresh instance."""

    @dg.sensor(
        job=daily,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the job for each new complete delivery folder of the inbox.",
    )
    def delivery_arrived(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            found = list(inbox_folders(settings.watched))
        except OSError as error:
            return dg.SkipReason(f"{settings.watched} cannot be read: {error.strerror}.")
        # Runs are forgotten in time, the ledger is not: old reference tables must not come back.
        requests = [
            request
            for folder in _not_taken([folder for folder in found if folder.complete])
            if (request := inbox_run_request(context.instance, folder, datetime.now(UTC)))
        ]
        if not requests:
            waits = [
                f" {folder.name} is incomplete ({'; '.join(folder.lacks)})."
                for folder in [folder for folder in found if not folder.complete][:SHOWN]
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
        result = result_of_failed_run(
            context.instance, context.dagster_run.run_id, failures, database
        )
        post_run.record_failure(settings, database, result)
        status_pages.refresh_status_pages(settings, database)
        context.log.error(result.reason)

    @dg.sensor(
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks as failed each run whose process is gone: the next would wait for it.",
    )
    def run_died(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = end_stale_runs(context.instance, open_database(load_settings()))
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
            post_run.notify(settings, database, wait=False)
        finally:
            post_run.write_metrics(settings, database, context.instance)
        return dg.SkipReason("Told what there was to tell.")

    return [delivery_arrived, run_failed, run_died, news]


def inbox_run_request(
    instance: dg.DagsterInstance, folder: InboxFolder, now: datetime
) -> dg.RunRequest | None:
    """A run for a folder, unless one is under way or it is too early to try again.

    A run that ended before the ledger knew its delivery (no database, no room) is followed by
    another, each after twice the time.
    """
    content = f"{folder.path.name}-{folder.manifest}"
    tried = instance.get_run_records(dg.RunsFilter(tags={CONTENT: content}))
    if not all(run.dagster_run.is_finished for run in tried):
        return None
    if tried:
        wait = min(FIRST_WAIT * 2 ** (len(tried) - 1), LONGEST_WAIT)
        if now < max(run.update_timestamp for run in tried) + wait:
            return None
    # Asked for once after each run that ended, however often the sensor looks.
    after = tried[0].dagster_run.run_id if tried else "first"
    return run_request(
        now.isoformat(), folder.path.name, run_key=f"{content}-{after}", tags={CONTENT: content}
    )


def _not_taken(found: list[InboxFolder]) -> list[InboxFolder]:
    """Those that the ledger does not know."""
    if not found:
        return []
    with open_database(load_settings()).connect() as conn:
        return [folder for folder in found if not ledger.is_known_delivery(conn, *folder.content)]
