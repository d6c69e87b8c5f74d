"""The alarms under way and who was told of them: `ops.alarm`, `ops.alarm_telling`.

What is told is kept by channel, so that one that fails is tried again without telling the others
twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from orchestration.notifications.conditions import KINDS, AlarmCondition
from orchestration.postgres.made import create_once

DDL = """
create table if not exists ops.alarm (
    alarm_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    facts jsonb not null default '{}',
    since timestamptz not null,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
create unique index if not exists alarm_under_way
    on ops.alarm (kind, subject) where ended_at is null;
comment on table ops.alarm is 'One row an alarm, from when it was first seen until it was gone.';
comment on column ops.alarm.facts is 'What is said of it, as it began: no personal data.';

create table if not exists ops.alarm_telling (
    alarm_id bigint not null references ops.alarm on delete cascade,
    channel text not null,
    told_at timestamptz not null,
    ended_told_at timestamptz,
    primary key (alarm_id, channel)
);
comment on table ops.alarm_telling is 'By which channel an alarm was told, and that it was over.';

create table if not exists ops.notify_channel (
    channel text primary key,
    told_at timestamptz,
    failing_since timestamptz,
    failure text not null default ''
);
comment on table ops.notify_channel is 'How each channel did last; its address is not kept.';

create table if not exists ops.installation (
    only_row boolean primary key default true check (only_row),
    installation_id uuid not null default gen_random_uuid()
);
insert into ops.installation default values on conflict do nothing;
comment on table ops.installation is 'What tells the messages of two installations apart.';
"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it is told."""

    alarm_id: int
    kind: str
    subject: str
    since: datetime
    facts: Mapping[str, str]
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """What a channel has still to be told."""

    began: tuple[Alarm, ...]
    ended: tuple[Alarm, ...]

    def __bool__(self) -> bool:
        return bool(self.began or self.ended)


def create_alarm_tables(conn: psycopg.Connection) -> None:
    """Make what is not there yet. Safe to call at every start."""
    create_once(conn, "alarms", DDL)


def installation(conn: psycopg.Connection) -> str:
    """What no other installation has."""
    row = conn.execute("select installation_id from ops.installation").fetchone()
    return str(row[0]) if row else ""


def update_alarms(
    conn: psycopg.Connection,
    situations: Iterable[AlarmCondition],
    kinds: Collection[str] = KINDS,
) -> None:
    """Make these the alarms under way: what is new begins, what is gone has ended.

    Alarms of other kinds than those that were looked at stay as they are.
    """
    now = [each for each in situations if each.kind in kinds]
    with conn.transaction():
        conn.execute(
            "update ops.alarm set ended_at = clock_timestamp() where ended_at is null"
            " and kind = any(%s)"
            " and (kind, subject) not in (select * from unnest(%s::text[], %s::text[]))",
            [list(kinds), [each.kind for each in now], [each.subject for each in now]],
        )
        for each in now:
            conn.execute(
                "insert into ops.alarm (kind, subject, since, facts) values (%s, %s, %s, %s)"
                " on conflict (kind, subject) where ended_at is null do nothing",
                [each.kind, each.subject, each.since, Jsonb(dict(each.facts))],
            )


def open_alarms(conn: psycopg.Connection) -> list[Alarm]:
    """The alarms that last, the oldest first."""
    return _alarms(conn, "alarm.ended_at is null", "")


def pending_for(conn: psycopg.Connection, channel: str) -> PendingNotification:
    """What began and lasts, and what ended after it was told; of what came and went, nothing."""
    return PendingNotification(
        tuple(_alarms(conn, "alarm.ended_at is null and telling.alarm_id is null", channel)),
        tuple(
            _alarms(
                conn,
                "alarm.ended_at is not null and telling.alarm_id is not null"
                " and telling.ended_told_at is null",
                channel,
            )
        ),
    )


def _alarms(conn: psycopg.Connection, condition: str, channel: str) -> list[Alarm]:
    rows = conn.execute(  # conditions are this module's own
        "select alarm.alarm_id, alarm.kind, alarm.subject, alarm.since, alarm.facts, alarm.ended_at"  # noqa: S608
        " from ops.alarm left join ops.alarm_telling as telling"
        " on telling.alarm_id = alarm.alarm_id and telling.channel = %s"
        f" where {condition} order by alarm.alarm_id",
        [channel],
    )
    return [Alarm(*row) for row in rows]


def record_delivered(conn: psycopg.Connection, channel: str, told: PendingNotification) -> None:
    """Keep that the channel was told."""
    with conn.transaction():
        for alarm in told.began:
            conn.execute(
                "insert into ops.alarm_telling (alarm_id, channel, told_at)"
                " values (%s, %s, clock_timestamp())",
                [alarm.alarm_id, channel],
            )
        conn.execute(
            "update ops.alarm_telling set ended_told_at = clock_timestamp()"
            " where channel = %s and alarm_id = any(%s)",
            [channel, [alarm.alarm_id for alarm in told.ended]],
        )
        conn.execute(
            "insert into ops.notify_channel (channel, told_at) values (%s, clock_timestamp())"
            " on conflict (channel) do update set told_at = excluded.told_at,"
            " failing_since = null, failure = ''",
            [channel],
        )


def record_failure(conn: psycopg.Connection, channel: str, why: str) -> None:
    """Keep that the channel could not be used, since when, and why."""
    with conn.transaction():
        conn.execute(
            "insert into ops.notify_channel as known (channel, failing_since, failure)"
            " values (%s, clock_timestamp(), %s) on conflict (channel) do update set"
            " failing_since = coalesce(known.failing_since, excluded.failing_since),"
            " failure = excluded.failure",
            [channel, why],
        )


def delete_old_alarms(conn: psycopg.Connection, age: timedelta) -> int:
    """Remove the alarms that ended longer ago; how many."""
    with conn.transaction():
        return conn.execute(
            "delete from ops.alarm where ended_at < clock_timestamp() - %s", [age]
        ).rowcount
