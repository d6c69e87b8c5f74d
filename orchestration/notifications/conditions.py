"""Finds what is wrong now, from what the runs left: one query a kind of alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import psycopg

from orchestration.backup.catalog import future_backups, last_backup_at
from orchestration.runs.cron import next_edition_at
from orchestration.settings import Settings

Kind = Literal[
    "run_failed",
    "edition_missing",
    "backup_late",
    "tidying_late",
    "data_stale",
    "sending",
    "database_away",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FROM_PUBLISHED_TABLES: frozenset[Kind] = frozenset({"data_stale", "sending"})

LATE_AFTER = timedelta(days=2)
"""How long after the last backup or cleanup the next one, which is due each night, is late."""

_REASON_LENGTH = 300

# The failures since the last publication. Not among them: a run refused because another one was in
# progress, which is reported to whoever started it, and a run that died after it had published.
FAILURES = """
from ops.run_failure
where kind <> 'RunInProgress'
    and failed_at > coalesce((select max(published_at) from ops.publication), '-infinity')
    and run_id not in (select run_id from ops.publication)
"""
_RUN_FAILED = (
    "select failed_at, kind, message,"  # noqa: S608 — this module's own
    " (select as_of from ops.publication order by publication_id desc limit 1)"
    f" {FAILURES} order by failed_at limit 1"
)
# An alarm of a failure that the database could not store when it happened (`alarm_file.py`).
_UNRECORDED_FAILURE = """
select since, facts
from ops.alarm
where kind = 'run_failed' and ended_at is null
    and since > coalesce((select max(published_at) from ops.publication), '-infinity')
"""
_SENDING = """
select alarm.company_id, company.name, alarm.cause, alarm.agenda_count, alarm.oldest_since
from marts.sending_alarm as alarm
inner join marts.company as company on company.company_id = alarm.company_id
order by alarm.company_id collate "C", alarm.cause collate "C"
"""


@dataclass(frozen=True, slots=True)
class AlarmCondition:
    """Something that is wrong.

    `facts` holds ids, names of companies, counts and times only: no personal data.
    """

    kind: Kind
    subject: str
    since: datetime
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """The conditions found, and the kinds that could be looked at."""

    kinds: frozenset[Kind]
    conditions: tuple[AlarmCondition, ...]


def find_conditions(conn: psycopg.Connection, settings: Settings, now: datetime) -> ConditionReport:
    """Find everything that is wrong, in one snapshot of the database.

    Args:
        conn: A connection in autocommit mode.
        settings: The limits, and the folder of the backups.
        now: The time at which data, backups and editions are late.

    Returns:
        The conditions. Without published tables, as after a restore, the kinds that are read from
        them are not among those looked at.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        published = lock_published(conn)
        found = [
            *_run_failed(conn),
            *_edition_missing(conn, settings, now),
            *backup_late(settings, now),
            *tidying_late(conn),
        ]
        if not published:
            return ConditionReport(frozenset(KINDS) - _FROM_PUBLISHED_TABLES, tuple(found))
        found += [*data_stale(conn, settings, now), *_sending(conn)]
    return ConditionReport(frozenset(KINDS), tuple(found))


def lock_published(conn: psycopg.Connection) -> bool:
    """Lock the published tables against a publication, and return whether there are any.

    `lock table` takes no snapshot, so that after waiting for a publication its tables are read.
    """
    try:
        with conn.transaction():
            conn.execute("lock table marts.company in access share mode")
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
        return False
    return True


def _run_failed(conn: psycopg.Connection) -> Iterator[AlarmCondition]:
    if row := conn.execute(_RUN_FAILED).fetchone():
        failed_at, kind, message, as_of = row
        yield AlarmCondition("run_failed", "", failed_at, failure_facts(kind, message, as_of))
        return
    for since, facts in conn.execute(_UNRECORDED_FAILURE):
        yield AlarmCondition("run_failed", "", since, facts)


def failure_facts(kind: str, message: str, as_of: datetime | None = None) -> dict[str, str]:
    """Return the facts of a failed run's alarm.

    Args:
        kind: The name of its error, or an empty string when `message` was not written for a person.
        message: Why it failed.
        as_of: What is published, if anything.
    """
    # Without a kind the message is a traceback, and may hold rows.
    said = message.strip().partition("\n")[0][:_REASON_LENGTH] if kind else ""
    return {"error": kind, "reason": said, "as_of": as_of.isoformat() if as_of else ""}


def _edition_missing(
    conn: psycopg.Connection, settings: Settings, now: datetime
) -> Iterator[AlarmCondition]:
    if settings.edition_deadline == "never":
        return
    row = conn.execute("select max(published_at) from ops.publication").fetchone()
    last = row[0] if row else None
    if last is None:  # no edition is expected before the first publication
        return
    failures = [failed_at for (failed_at,) in conn.execute(f"select failed_at {FAILURES}")]
    for day, due in _due(settings, settings.edition_deadline, last, now):
        if not any(day <= failed_at <= due for failed_at in failures):
            yield AlarmCondition("edition_missing", "", due, {"published_at": last.isoformat()})
            return


def _due(
    settings: Settings, by: time, last: datetime, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the start of each day since the last publication, and when its edition was due.

    On a day on which no schedule runs before that hour, none is due.
    """
    zone = ZoneInfo(settings.group_timezone)
    date = last.astimezone(zone).date()
    while (due := datetime.combine(date := date + timedelta(days=1), by, zone)) <= now:
        day = datetime.combine(date, time(0), zone)
        if next_edition_at(settings, day - timedelta(seconds=1)) < due:
            yield day, due


def backup_late(settings: Settings, now: datetime) -> Iterator[AlarmCondition]:
    """Yield a condition when the last backup is too old, or one is dated in the future.

    Never in a home without backups, nor with `ATENDIMENTO_DATABASE_URL`: such a server has its own.
    """
    if settings.database_url:
        return
    folder = settings.home / "backups"
    last = last_backup_at(folder, now)
    if future := future_backups(folder, now):
        yield AlarmCondition("backup_late", "", now, {"future": future[-1].name})
    elif last and now >= last + LATE_AFTER:
        yield AlarmCondition("backup_late", "", last + LATE_AFTER, {"made_at": last.isoformat()})


def tidying_late(conn: psycopg.Connection) -> Iterator[AlarmCondition]:
    """Yield a condition when something was published long after the last cleanup.

    Each run cleans up once a day, so that without a publication none is expected.
    """
    for (last,) in conn.execute(
        "select finished_at from ops.retention_run"
        " where finished_at + %s <= (select max(published_at) from ops.publication)",
        [LATE_AFTER],
    ):
        yield AlarmCondition("tidying_late", "", last + LATE_AFTER, {"tidied_at": last.isoformat()})


def data_stale(
    conn: psycopg.Connection, settings: Settings, now: datetime
) -> Iterator[AlarmCondition]:
    """Yield a condition for the whole group, and for each company that has a limit of its own."""
    row = conn.execute("select max(data_until) from marts.source_freshness").fetchone()
    until = row[0] if row else None
    if until is None:
        return
    names: dict[str, str] = dict(conn.execute("select company_id, name from marts.company"))  # type: ignore[arg-type]
    own = settings.stale_hours_by_company
    limits = {"": settings.stale_hours} if set(names) - set(own) else {}
    limits |= {company: hours for company, hours in own.items() if company in names}
    for company, hours in sorted(limits.items()):
        ends = until + timedelta(hours=hours)
        if now > ends:
            facts = {"data_until": until.isoformat(), "hours": f"{hours:g}"}
            if company:
                facts |= {"company_id": company, "company": names[company]}
            yield AlarmCondition("data_stale", company, ends, facts)


def _sending(conn: psycopg.Connection) -> Iterator[AlarmCondition]:
    for company_id, name, cause, count, since in conn.execute(_SENDING):
        facts = {"company_id": company_id, "company": name, "cause": cause, "agendas": str(count)}
        yield AlarmCondition("sending", f"{company_id} {cause}", since, facts)
