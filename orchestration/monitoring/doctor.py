"""Checks settings, folders, database and the last runs (`atendimento doctor`); changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from checks.zones import OFFSETS, offsets_by_python
from orchestration.access import log_chain
from orchestration.access.roles import large_object_faults
from orchestration.backup.catalog import future_backups, last_backup_at
from orchestration.errors import DatabaseError
from orchestration.ingest import inbox
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.redaction import erasure_key
from orchestration.ingest.sources.open_source import OpenOptions, open_delivery, source_label
from orchestration.ingest.watermark import full_read_positions
from orchestration.ingest.whatsapp import spool
from orchestration.notifications.alarms import failing_channels
from orchestration.notifications.channels import configured_channels
from orchestration.notifications.conditions import FAILURES, backup_late, data_stale, tidying_late
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MadeByNewer, is_current
from orchestration.postgres.root_place import outside_folder
from orchestration.runs.as_of import format_instant
from orchestration.runs.failed_checks import FailedCheck, failed_checks
from orchestration.settings import Settings

_SPACE_NEEDED = 2048  # MiB: an edition and a run's tables of a group of medium size
_SILENT = timedelta(minutes=5)
_ZONES = "select distinct timezone from marts.company where timezone is not null"

Shown = Callable[[datetime], str]
"""An instant as it is printed, in the group's time zone."""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was checked, and whether it is well."""

    what: str
    well: bool
    says: str


def run_checks(settings: Settings) -> Iterator[DoctorCheck]:
    """Check settings, folders, database and the last runs; yield a line for each."""
    now = datetime.now(UTC)
    yield _folder("home", settings.home)
    yield _folder("publish folder", settings.published)
    yield _source(settings)
    yield _inbox(settings)
    yield _events(settings)
    try:
        if not settings.database_url:
            yield from _server_folder(settings.home / "postgres")
        database = (
            Database(settings.database_url)
            if settings.database_url
            else embedded.server_database(settings.home / "postgres")
        )
        with database.connect(application="atendimento doctor") as conn:
            conn.read_only = True
            database.assert_fit(conn)
            yield DoctorCheck(
                "database", True, f"{database.label}, {conn.info.server_version // 10000}"
            )
            yield _server_log(conn)
            yield _zones(conn, settings, now)
            yield from _state(conn, settings, now)
    except DatabaseError as error:
        yield DoctorCheck("database", False, str(error).splitlines()[0])
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        yield DoctorCheck("published tables", False, "of an older version: `atendimento run`")
    if not settings.database_url:
        yield _backup(settings, now)
    index = settings.published / "current" / "index.html"
    yield DoctorCheck(
        "pages", index.exists(), str(index) if index.exists() else "none published yet"
    )


def _folder(what: str, folder: Path) -> DoctorCheck:
    """Check that a folder, or the one it would be created in, is writable and has space."""
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free // 2**20
    if not os.access(there, os.W_OK | os.X_OK):
        return DoctorCheck(what, False, f"{folder} cannot be written to by this account")
    said = f"{folder}, {free:,} MB free"
    if free < _SPACE_NEEDED:
        return DoctorCheck(what, False, f"{said}: make room, {_SPACE_NEEDED:,} MB at least")
    return DoctorCheck(what, True, said)


def _server_folder(data_directory: Path) -> Iterator[DoctorCheck]:
    """Yield a line for a server that root started: its data are outside the home."""
    if folder := outside_folder(data_directory):
        removal = "`atendimento stop --delete-data` deletes it"
        yield DoctorCheck("server folder", folder.is_dir(), f"{folder}; {removal}")


def _source(settings: Settings) -> DoctorCheck:
    source = settings.source
    if not source:
        return DoctorCheck(
            "source", True, "none set: name one with `run --source`, or use the inbox"
        )
    if "://" not in source:
        there = Path(source).is_dir()
        return DoctorCheck("source", there, "set" if there else f"{source} is not a folder")
    try:
        options = OpenOptions(
            settings.csv_encoding, None, full_read_positions, settings.max_file_mb << 20
        )
        with open_delivery(source, options):
            return DoctorCheck("source", True, f"{source_label(source)} can be read")
    except DeliveryRefused as error:
        return DoctorCheck("source", False, str(error).splitlines()[0])


def _inbox(settings: Settings) -> DoctorCheck:
    try:
        found = list(inbox.inbox_folders(settings.watched))
    except OSError as error:
        return DoctorCheck("inbox", False, f"{settings.watched} cannot be read: {error.strerror}")
    lacking = [folder for folder in found if not folder.complete]
    said = f"{len(found)} delivery folders in {settings.watched}"
    if lacking:
        names = ", ".join(folder.name for folder in lacking[:3])
        said += f", {len(lacking)} not complete ({names}): see `atendimento deliveries`"
    return DoctorCheck("inbox", True, said)


def _events(settings: Settings) -> DoctorCheck:
    folder, endings = settings.whatsapp_spool, (spool.CLOSED, f"{spool.CLOSED}.gz")
    waiting = [path for path in folder.glob("*") if path.name.endswith(endings)]
    return DoctorCheck("WhatsApp events", True, f"{len(waiting)} files wait for the next run")


def _backup(settings: Settings, now: datetime) -> DoctorCheck:
    folder = settings.home / "backups"
    if future := future_backups(folder, now):
        return DoctorCheck(
            "backup",
            False,
            f"{future[-1]} is dated in the future: check this machine's clock, then delete or "
            "rename the folder",
        )
    newest = last_backup_at(folder, now)
    if newest is None:
        return DoctorCheck("backup", True, "none in this home: `atendimento backup`")
    late = any(backup_late(settings, now))
    return DoctorCheck(
        "backup", not late, f"last {format_instant(newest, settings.group_timezone)}"
    )


def _server_log(conn: psycopg.Connection) -> DoctorCheck:
    """Check that an error does not make the server write delivered rows or SQL into its log."""
    wanted = {"log_error_verbosity": ("terse",), "log_min_error_statement": ("panic", "fatal")}
    wrong = [
        f"{name} = {good[0]}"
        for name, good in wanted.items()
        if conn.execute("select current_setting(%s)", [name]).fetchone() not in [(g,) for g in good]
    ]
    if not wrong:
        return DoctorCheck("server log", True, "holds no rows of clients")
    return DoctorCheck(
        "server log",
        False,
        "may hold names and phones: `alter database … set` " + ", ".join(wrong),
    )


def _zones(conn: psycopg.Connection, settings: Settings, now: datetime) -> DoctorCheck:
    """Check that PostgreSQL and Python agree about the time zones in use.

    PostgreSQL decides every published value, Python when schedules run.
    """
    used = {settings.group_timezone}
    if _exists(conn, "marts.company"):
        used |= {zone for (zone,) in conn.execute(_ZONES)}
    query = "select " + OFFSETS.format(zone="%(zone)s", around="%(around)s::timestamptz")
    different = []
    for zone in sorted(used):
        by_database = None
        with suppress(psycopg.errors.InvalidParameterValue), conn.transaction():
            row = conn.execute(query.encode(), {"zone": zone, "around": now}).fetchone()
            by_database = row and row[0]
        if by_database != offsets_by_python(zone, now):
            different.append(zone)
    if not different:
        return DoctorCheck("time zones", True, ", ".join(sorted(used)))
    return DoctorCheck(
        "time zones",
        False,
        f"PostgreSQL and Python have different rules for {', '.join(different)}: update the older"
        " of PostgreSQL and the package tzdata; until then schedules may run an hour off",
    )


def _state(conn: psycopg.Connection, settings: Settings, now: datetime) -> Iterator[DoctorCheck]:
    if not _exists(conn, "ops.publication"):
        yield DoctorCheck("publication", False, "no run has been made yet: `atendimento run`")
        return
    try:
        is_older = not is_current(conn)
    except MadeByNewer as error:
        yield DoctorCheck("state", False, str(error))
        return
    if is_older:
        yield DoctorCheck(
            "state", False, "of an older version: the next `atendimento run` upgrades it"
        )
        return

    def shown(instant: datetime) -> str:
        return format_instant(instant, settings.group_timezone)

    yield (publication := _publication(conn, shown))
    if _exists(conn, "marts.source_freshness"):
        yield _freshness(conn, settings, now, shown)
    elif publication.well:
        yield DoctorCheck(
            "published tables", False, "missing, as after a restore: `atendimento run`"
        )
    yield from _delivery(conn, shown)
    yield _run(conn, shown)
    yield _failure(conn, shown)
    yield _checks(conn)
    yield from _erasure_key(conn, settings)
    yield _access_log(conn)
    if settings.database_url:
        yield from _large_objects(conn)
    yield _alarms(conn, shown)
    yield from _channels(conn, settings, shown)
    yield from _last_retention_run(conn, shown)
    if _exists(conn, "dagster.daemon_heartbeats"):
        yield _daemon(conn, now, shown)


def _erasure_key(conn: psycopg.Connection, settings: Settings) -> Iterator[DoctorCheck]:
    """Check that the key of erased numbers, where there are any, is in its file, and private."""
    file = settings.home / erasure_key.FILE
    try:
        missing = erasure_key.missing_key_ids(settings.home, conn)
    except erasure_key.ErasureKeyMissing as error:
        yield DoctorCheck("erasure key", False, str(error))
        return
    if missing:
        yield DoctorCheck(
            "erasure key",
            False,
            f"{file} lacks {', '.join(missing)}: no delivery is loaded. Copy it from the state "
            "folder that had it",
        )
    elif file.exists():
        is_private = not file.stat().st_mode & 0o077
        says = "keep a copy apart from the backups" if is_private else "chmod 600: others read it"
        yield DoctorCheck("erasure key", is_private, f"{file}, {says}")


def _publication(conn: psycopg.Connection, shown: Shown) -> DoctorCheck:
    row = conn.execute(
        "select as_of, published_at from ops.publication order by publication_id desc limit 1"
    ).fetchone()
    said = f"as of {shown(row[0])}, published {shown(row[1])}" if row else "nothing published yet"
    return DoctorCheck("publication", row is not None, said)


def _freshness(
    conn: psycopg.Connection, settings: Settings, now: datetime, shown: Shown
) -> DoctorCheck:
    row = conn.execute("select max(data_until) from marts.source_freshness").fetchone()
    until = row[0] if row else None
    if until is None:
        return DoctorCheck("data", False, "no row has come yet")
    stale = [
        f"{each.facts.get('company_id', 'the group')} (limit {each.facts['hours']} hours)"
        for each in data_stale(conn, settings, now)
    ]
    if not stale:
        return DoctorCheck("data", True, f"until {shown(until)}")
    return DoctorCheck("data", False, f"until {shown(until)}: too old for {', '.join(stale)}")


def _delivery(conn: psycopg.Connection, shown: Shown) -> Iterator[DoctorCheck]:
    row = conn.execute(
        "select status, finished_at, coalesce(message, '') from ops.delivery"
        " order by delivery_id desc limit 1"
    ).fetchone()
    if row:
        status, finished_at, message = row
        said = f"last {status} {shown(finished_at) if finished_at else ''} {message}".strip()
        yield DoctorCheck("delivery", status == "loaded", said)


def _run(conn: psycopg.Connection, shown: Shown) -> DoctorCheck:
    running = conn.execute(
        "select backend_start from pg_stat_activity where datname = current_database()"
        " and application_name = 'atendimento run lock'"
    ).fetchone()
    said = f"in progress since {shown(running[0])}" if running else "none in progress"
    return DoctorCheck("run", True, said)


def _failure(conn: psycopg.Connection, shown: Shown) -> DoctorCheck:
    row = conn.execute(
        f"select failed_at, message {FAILURES} order by failed_at desc limit 1"
    ).fetchone()
    if row is None:
        return DoctorCheck("failure", True, "none since the publication")
    return DoctorCheck("failure", False, f"failed {shown(row[0])}: {row[1].splitlines()[0]}")


def _checks(conn: psycopg.Connection) -> DoctorCheck:
    """Check that no check stopped the last run; warnings are listed, but are not wrong."""
    row = conn.execute(
        "select run_id from ops.check_result order by checked_at desc limit 1"
    ).fetchone()
    found = list(failed_checks(conn, row[0])) if row else []
    said = [
        f"{how} in the last run: {', '.join(names)}"
        for how, which in (("failed", True), ("warned", False))
        if (names := [_named(check) for check in found if check.blocking == which])
    ]
    failed = any(check.blocking for check in found)
    return DoctorCheck("checks", not failed, "; ".join(said) or "all passed")


def _named(check: FailedCheck) -> str:
    return f"{check.name} ({check.parked})" if check.parked else check.name


def _access_log(conn: psycopg.Connection) -> DoctorCheck:
    """Check that no entry of the access log was changed or removed."""
    chain = log_chain.verify(conn)
    if chain.fault:
        return DoctorCheck("access log", False, chain.fault)
    last = f", the last is {chain.last_id} {chain.last_hash[:16]}" if chain.entries else ""
    return DoctorCheck("access log", True, f"{chain.entries:,} entries, unbroken{last}")


def _large_objects(conn: psycopg.Connection) -> Iterator[DoctorCheck]:
    """Yield a line for each role of the page that may store them on a server of your own."""
    roles = conn.execute("select role_name from access.login where purpose = 'page'").fetchall()
    for fault in large_object_faults(conn, [name for (name,) in roles]):
        yield DoctorCheck("large objects", True, fault)


def _alarms(conn: psycopg.Connection, shown: Shown) -> DoctorCheck:
    under_way = conn.execute(
        "select kind, subject, since from ops.alarm where ended_at is null order by since"
    ).fetchall()
    said = "; ".join(
        f"{' '.join(filter(None, (kind, subject)))} since {shown(since)}"
        for kind, subject, since in under_way
    )
    return DoctorCheck("alarms", not under_way, said or "none under way")


def _channels(conn: psycopg.Connection, settings: Settings, shown: Shown) -> Iterator[DoctorCheck]:
    """Yield a line for each channel of the settings that cannot be told."""
    labels = {channel.key: channel.label for channel in configured_channels(settings)}
    for channel, (since, why) in failing_channels(conn, labels).items():
        said = f"{labels[channel]} fails since {shown(since)}: {why}"
        yield DoctorCheck("notifications", False, said)


def _last_retention_run(conn: psycopg.Connection, shown: Shown) -> Iterator[DoctorCheck]:
    row = conn.execute("select finished_at from ops.retention_run").fetchone()
    if row:
        late = any(tidying_late(conn))
        said = shown(row[0]) + (": see why `atendimento cleanup` fails" if late else "")
        yield DoctorCheck("cleanup", not late, f"last {said}")


def _daemon(conn: psycopg.Connection, now: datetime, shown: Shown) -> DoctorCheck:
    row = conn.execute(
        "select max(timestamp) at time zone 'UTC' from dagster.daemon_heartbeats"
    ).fetchone()
    beat = row[0] if row else None
    if beat is None:
        return DoctorCheck("daemon", True, "has never run: runs are started by hand, or by cron")
    if now - beat > _SILENT:
        return DoctorCheck(
            "daemon", False, f"silent since {shown(beat)}: no schedule or sensor works"
        )
    return DoctorCheck("daemon", True, f"alive at {shown(beat)}")


def _exists(conn: psycopg.Connection, relation: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", [relation]).fetchone()
    return row is not None and bool(row[0])
