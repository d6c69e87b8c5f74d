"""What is wrong at this moment, read from what the runs left.

Ids, names of companies, counts and moments only: no personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import psycopg

from orchestration.backup.catalog import last_backup_at
from orchestration.runs.cron import next_edition_at
from orchestration.settings import Settings

Kind = Literal[
    "run_failed", "edition_missing", "backup_late", "tidying_late", "data_stale", "sending"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_OF_PUBLISHED: frozenset[Kind] = frozenset({"data_stale", "sending"})

LATE_AFTER = timedelta(days=2)
"""How long after the last backup or tidying the next one, of a night, is late."""

_REASON_LENGTH = 300

# What failed since the last publication. Who starts a second run by hand sees why it failed, and a
# run that died after it had published left nothing undone.
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
_SENDING = """
select alarm.company_id, company.name, alarm.cause, alarm.agenda_count, alarm.oldest_since
from marts.sending_alarm as alarm
inner join marts.company as company on company.company_id = alarm.company_id
order by alarm.company_id, alarm.cause
"""


@dataclass(frozen=True, slots=True)
class AlarmCondition:
    """Something wrong: its kind, what it is about, since when, and what there is to say of it."""

    kind: Kind
    subject: str
    since: datetime
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """What was looked at, and what was found of it."""

    kinds: frozenset[Kind]
    found: tuple[AlarmCondition, ...]


def find_conditions(conn: psycopg.Connection, settings: Settings, now: datetime) -> ConditionReport:
    """All that is wrong now, of one state of the database. `conn` is in no transaction.

    Without published tables, as after a restore, what is read from them stays unknown.
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
            return ConditionReport(frozenset(KINDS) - _OF_PUBLISHED, tuple(found))
        found += [*data_stale(conn, settings, now), *_sending(conn)]
    return ConditionReport(frozenset(KINDS), tuple(found))


def lock_published(conn: psycopg.Connection) -> bool:
    """Whether there are published tables; if so, no publication swaps them while they are read.

    `lock table` takes no snapshot: whoever waits for a publication sees the state after it.
    """
    try:
        with conn.transaction():
            conn.execute("lock table marts.company in access share mode")
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
        return False
    return True


def _run_failed(conn: psycopg.Connection) -> Iterator[AlarmCondition]:
    for failed_at, kind, message, as_of in conn.execute(_RUN_FAILED):
        yield AlarmCondition("run_failed", "", failed_at, failure_facts(kind, message, as_of))


def failure_facts(kind: str, message: str, as_of: datetime | None = None) -> dict[str, str]:
    """What is said of a failed run."""
    # Without a kind the message is a trace, and may hold what the program was working on.
    said = message.strip().partition("\n")[0][:_REASON_LENGTH] if kind else ""
    return {"error": kind, "reason": said, "as_of": as_of.isoformat() if as_of else ""}


def _edition_missing(
    conn: psycopg.Connection, settings: Settings, now: datetime
) -> Iterator[AlarmCondition]:
    if settings.edition_deadline == "never":
        return
    row = conn.execute("select max(published_at) from ops.publication").fetchone()
    last = row[0] if row else None
    if last is None:  # before the first publication nobody waits for an edition
        return
    said_why = [failed_at for (failed_at,) in conn.execute(f"select failed_at {FAILURES}")]
    for day, due in _due(settings, settings.edition_deadline, last, now):
        if not any(day <= failed_at <= due for failed_at in said_why):
            yield AlarmCondition("edition_missing", "", due, {"published_at": last.isoformat()})
            return


def _due(
    settings: Settings, by: time, last: datetime, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The days since the last publication on which an edition was due by now.

    Each with its beginning and that hour. A day without a tick of a schedule before it has none.
    """
    zone = ZoneInfo(settings.group_timezone)
    date = last.astimezone(zone).date()
    while (due := datetime.combine(date := date + timedelta(days=1), by, zone)) <= now:
        day = datetime.combine(date, time(0), zone)
        if next_edition_at(settings, day - timedelta(seconds=1)) < due:
            yield day, due


def backup_late(settings: Settings, now: datetime) -> Iterator[AlarmCondition]:
    """Of a home in which backups are made: a server of one's own has its own."""
    last = None if settings.database_url else last_backup_at(settings.home / "backups")
    if last and now >= last + LATE_AFTER:
        yield AlarmCondition("backup_late", "", last + LATE_AFTER, {"made_at": last.isoformat()})


def tidying_late(conn: psycopg.Connection) -> Iterator[AlarmCondition]:
    """Each run tidies when a day has passed: only a publication long after the last one tells."""
    for (last,) in conn.execute(
        "select tidied_at from ops.tidied"
        " where tidied_at + %s <= (select max(published_at) from ops.publication)",
        [LATE_AFTER],
    ):
        yield AlarmCondition("tidying_late", "", last + LATE_AFTER, {"tidied_at": last.isoformat()})


def data_stale(
    conn: psycopg.Connection, settings: Settings, now: datetime
) -> Iterator[AlarmCondition]:
    """Of the whole group, and of each company that has a limit of its own."""
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
