"""Reads the metrics from the database and writes them in Prometheus' text format.

The values of labels are closed lists of codes: no company, client or file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orchestration.notifications.alarms import failing_channels
from orchestration.notifications.channels import configured_channels
from orchestration.notifications.conditions import KINDS, lock_published
from orchestration.postgres.database import Database
from orchestration.settings import Settings

READABLE, PASSABLE = 0o644, 0o755  # for the collector, which is another account

_STAGES = {
    "load_delivery": "load",
    "loaded_suite": "check_loaded",
    "build_models": "build",
    "published_suite": "check_published",
    "pages__edition": "pages",
    "publication__marts": "publish",
}
_RUNS = """
select 'published', count(*) from ops.publication
union all
select case
        when kind in ('ChecksStopped', 'BlockingChecksFailed', 'DagsterAssetCheckFailedError')
            then 'stopped'
        else 'failed'
    end, count(*)
from ops.run_failure
group by 1
"""
_CHECKS = """
select case when passed then 'passed' when blocking then 'failed' else 'warned' end, count(*)
from ops.check_result
where run_id = (select run_id from ops.check_result order by checked_at desc limit 1)
group by 1
"""
_ROWS = """
select sum(rows_read), sum(rows_new), sum(rows_known), sum(rows_rejected), sum(rows_parked)
from ops.delivery_file
where delivery_id = (select max(delivery_id) from ops.delivery where status = 'loaded')
"""
# Loss reasons are no label: each customer has its own, and there may be many.
_TOTALS = """
select totalizer, case when totalizer = 'refused' then '' else bucket end, sum(agenda_count)
from marts.totalizer
group by 1, 2
order by 1, 2
"""
_PUBLISHED = """
select publication.run_id, publication.published_at, publication.as_of, edition.pages
from ops.publication left join ops.edition on edition.edition = publication.edition
order by publication.publication_id desc
limit 1
"""
_SIZES = """
select pg_database_size(current_database()),
    (select greatest(reltuples, 0)::bigint from pg_class
        where oid = to_regclass('dagster.event_logs'))
"""


def read_metrics(settings: Settings, database: Database, instance: dg.DagsterInstance) -> str:
    """Read all metrics in one snapshot of the database.

    Args:
        settings: The channels, and the folders whose free space is told.
        database: The database of the product and of Dagster.
        instance: Dagster's instance, for the duration of stages.

    Returns:
        The metrics in Prometheus' text format.
    """
    with database.connect(application="atendimento metrics") as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        found = list(_metrics(settings, conn, instance))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(found))
    return generate_latest(registry).decode()


def write_metrics(text: str, path: Path) -> None:
    """Replace the file in one step, so that a collector never reads half of it.

    Folders created for it can be entered by every account, whatever the umask.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in made:
        folder.chmod(PASSABLE)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(READABLE)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics that were read."""
        return self._metrics


def _metrics(
    settings: Settings, conn: psycopg.Connection, instance: dg.DagsterInstance
) -> Iterator[Metric]:
    published = lock_published(conn)
    yield from _last_publication(conn, instance)
    outcomes = dict.fromkeys(("published", "failed", "stopped"), 0.0)
    runs = outcomes | _pairs(conn, _RUNS)
    yield _by("runs_on_record", "Runs that are still on record.", "outcome", runs)
    results = dict.fromkeys(("passed", "warned", "failed"), 0.0)
    yield _by("checks", "Checks of the last run.", "result", results | _pairs(conn, _CHECKS))
    yield from _rows_of_deliveries(conn)
    if published:
        yield from _published(conn)
    yield from _alarms(settings, conn)
    yield from _sizes(settings, conn)
    yield _one("metrics_timestamp_seconds", "When these metrics were read.", _seconds(_now()))


def _last_publication(conn: psycopg.Connection, instance: dg.DagsterInstance) -> Iterator[Metric]:
    row = conn.execute(_PUBLISHED).fetchone()
    if row is None:
        return
    run_id, published_at, as_of, pages = row
    yield _one("publication_timestamp_seconds", "When was last published.", _seconds(published_at))
    yield _one("as_of_timestamp_seconds", "The instant that is published.", _seconds(as_of))
    if pages is not None:
        yield _one("pages", "Pages of the edition that is read.", pages)
    took = {
        _STAGES[step.step_key]: step.end_time - step.start_time
        for step in instance.get_run_step_stats(run_id)
        if step.step_key in _STAGES and step.start_time and step.end_time
    }
    yield _by("stage_seconds", "How long each stage of that run took.", "stage", took)


def _rows_of_deliveries(conn: psycopg.Connection) -> Iterator[Metric]:
    row = conn.execute(_ROWS).fetchone() or ()
    counts = dict(zip(("read", "new", "known", "rejected", "parked"), row, strict=False))
    yield _by(
        "delivery_rows",
        "Rows of the last delivery that was loaded, by what became of them.",
        "outcome",
        {outcome: count or 0 for outcome, count in counts.items()},
    )
    parked = conn.execute(
        "select count(*) filter (where reason = 'unknown_reference'),"
        " count(*) filter (where reason <> 'unknown_reference') from raw.rejected_row"
    ).fetchone()
    if parked:
        counts = {"parked": parked[0], "rejected": parked[1]}
        yield _by("set_aside_rows", "Rows that are set aside now.", "outcome", counts)


def _published(conn: psycopg.Connection) -> Iterator[Metric]:
    totals = GaugeMetricFamily(
        "atendimento_agendas",
        "Rows of each total of all companies; passive contacts under passive.",
        labels=["totalizer", "bucket"],
    )
    for totalizer, bucket, count in conn.execute(_TOTALS):
        totals.add_metric([totalizer, bucket], float(count))
    yield totals
    until = conn.execute("select table_name, data_until from marts.source_freshness").fetchall()
    yield _by(
        "data_until_timestamp_seconds",
        "The greatest time of each table of the source.",
        "table",
        {table: _seconds(moment) for table, moment in until if moment},
    )


def _alarms(settings: Settings, conn: psycopg.Connection) -> Iterator[Metric]:
    there = _pairs(conn, "select kind, count(*) from ops.alarm where ended_at is null group by 1")
    yield _by("alarms", "Alarms under way.", "kind", dict.fromkeys(KINDS, 0.0) | there)
    failing = failing_channels(conn, [channel.key for channel in configured_channels(settings)])
    yield _one("notify_channels_failing", "Channels that could not be told.", len(failing))


def _sizes(settings: Settings, conn: psycopg.Connection) -> Iterator[Metric]:
    row = conn.execute(_SIZES).fetchone()
    if row:
        yield _one("database_bytes", "Size of the database.", row[0])
        yield _one("event_log_rows", "Events Dagster keeps, about.", row[1] or 0)
    free = {
        name: shutil.disk_usage(folder).free
        for name, folder in (("home", settings.home), ("published", settings.published))
        if folder.is_dir()
    }
    yield _by("disk_free_bytes", "Room left where each folder is.", "folder", free)


def _pairs(conn: psycopg.Connection, query: str) -> dict[str, float]:
    return {str(code): float(count) for code, count in conn.execute(query)}  # type: ignore[call-overload]


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"atendimento_{name}", says, value=float(value))


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    made = GaugeMetricFamily(f"atendimento_{name}", says, labels=[label])
    for code, value in sorted(values.items()):
        made.add_metric([code], float(value))
    return made


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _now() -> datetime:
    return datetime.now(UTC)
