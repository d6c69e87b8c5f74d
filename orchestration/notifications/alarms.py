"""Stores which alarms are open, and what became of each at each recipient, in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.notifications.conditions import ConditionReport


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it is sent."""

    alarm_id: int
    kind: str
    subject: str
    since: datetime
    facts: Mapping[str, str]
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """What a recipient has not been told yet."""

    began: tuple[Alarm, ...]
    ended: tuple[Alarm, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.began or self.ended)


def installation(conn: psycopg.Connection) -> str:
    """Return the id of this installation, which no other has."""
    row = conn.execute("select installation_id from ops.installation").fetchone()
    return str(row[0]) if row else ""


def update_alarms(conn: psycopg.Connection, found: ConditionReport) -> None:
    """Open an alarm for each condition that has none, and close those without a condition.

    Alarms of kinds that were not looked at stay as they are.
    """
    kinds = [each.kind for each in found.conditions]
    subjects = [each.subject for each in found.conditions]
    with conn.transaction():
        conn.execute(
            "update ops.alarm set ended_at = clock_timestamp() where ended_at is null"
            " and kind = any(%s)"
            " and (kind, subject) not in (select * from unnest(%s::text[], %s::text[]))",
            [list(found.kinds), kinds, subjects],
        )
        for each in found.conditions:
            conn.execute(
                "insert into ops.alarm (kind, subject, since, facts) values (%s, %s, %s, %s)"
                " on conflict (kind, subject) where ended_at is null do nothing",
                [each.kind, each.subject, each.since, Jsonb(dict(each.facts))],
            )


def insert_stored(
    conn: psycopg.Connection,
    alarms: Sequence[Mapping[str, Any]],
    notifications: Sequence[Mapping[str, Any]],
) -> None:
    """Insert rows that were stored elsewhere while the database was unreachable.

    An alarm that is there already, by its id or as one that is open, is left as it is, so that the
    same rows may be inserted again.

    Args:
        conn: A connection in autocommit mode.
        alarms: Rows of `ops.alarm`, with their `alarm_id`.
        notifications: Rows of `ops.notification` of these alarms.
    """
    with conn.transaction():
        conn.execute(
            "insert into ops.alarm (alarm_id, kind, subject, facts, since)"
            " overriding system value select alarm_id, kind, subject, facts, since"
            " from jsonb_populate_recordset(null::ops.alarm, %s) on conflict do nothing",
            [Jsonb(alarms)],
        )
        conn.execute(
            "insert into ops.notification (alarm_id, channel, told_at, failing_since, failure)"
            " select alarm_id, channel, told_at, failing_since, failure"
            " from jsonb_populate_recordset(null::ops.notification, %s)"
            " where alarm_id in (select alarm_id from ops.alarm) on conflict do nothing",
            [Jsonb(notifications)],
        )


def pending_for(conn: psycopg.Connection, channel: str) -> PendingNotification:
    """Return what a recipient has not been told: open alarms, and the end of those it was told."""
    return PendingNotification(
        _alarms(conn, channel, "alarm.ended_at is null and notification.told_at is null"),
        _alarms(
            conn,
            channel,
            "alarm.ended_at is not null and notification.told_at is not null"
            " and notification.ended_told_at is null",
        ),
    )


def _alarms(conn: psycopg.Connection, channel: str, condition: str) -> tuple[Alarm, ...]:
    rows = conn.execute(  # conditions are this module's own
        "select alarm.alarm_id, alarm.kind, alarm.subject, alarm.since, alarm.facts, alarm.ended_at"  # noqa: S608
        " from ops.alarm left join ops.notification"
        " on notification.alarm_id = alarm.alarm_id and notification.channel = %s"
        f" where {condition} order by alarm.alarm_id",
        [channel],
    )
    return tuple(Alarm(*row) for row in rows)


def record_result(
    conn: psycopg.Connection, channel: str, sent: PendingNotification, failure: str
) -> None:
    """Store what became of a message to one recipient.

    Args:
        conn: A connection in autocommit mode.
        channel: `Channel.key` of the recipient.
        sent: What the message was about.
        failure: Why the recipient did not get it, or an empty string.
    """
    began, ended = ([alarm.alarm_id for alarm in alarms] for alarms in (sent.began, sent.ended))
    with conn.transaction():
        if failure:
            conn.execute(
                "insert into ops.notification as known (alarm_id, channel, failing_since, failure)"
                " select alarm_id, %s, clock_timestamp(), %s"
                " from ops.alarm where alarm_id = any(%s)"
                " on conflict (alarm_id, channel) do update set"
                " failing_since = coalesce(known.failing_since, excluded.failing_since),"
                " failure = excluded.failure",
                [channel, failure, began + ended],
            )
            return
        conn.execute(
            "insert into ops.notification (alarm_id, channel, told_at)"
            " select alarm_id, %s, clock_timestamp() from ops.alarm where alarm_id = any(%s)"
            " on conflict (alarm_id, channel) do update set told_at = excluded.told_at",
            [channel, began],
        )
        conn.execute(
            "update ops.notification set ended_told_at = clock_timestamp()"
            " where channel = %s and alarm_id = any(%s)",
            [channel, ended],
        )
        conn.execute(
            "update ops.notification set failing_since = null, failure = ''"
            " where channel = %s and failing_since is not null",
            [channel],
        )


def failing_channels(
    conn: psycopg.Connection, channels: Collection[str]
) -> dict[str, tuple[datetime, str]]:
    """Return since when, and why, each of these recipients cannot be told."""
    rows = conn.execute(
        "select distinct on (channel) channel, min(failing_since) over (partition by channel),"
        " failure from ops.notification where failing_since is not null and channel = any(%s)"
        " order by channel, failing_since desc",
        [list(channels)],
    )
    return {channel: (since, failure) for channel, since, failure in rows}


def delete_old_alarms(conn: psycopg.Connection, age: timedelta) -> int:
    """Delete the alarms that ended longer ago than `age`; return how many."""
    with conn.transaction():
        return conn.execute(
            "delete from ops.alarm where ended_at < clock_timestamp() - %s", [age]
        ).rowcount
