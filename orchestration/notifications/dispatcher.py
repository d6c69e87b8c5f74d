"""Looking and telling: what is wrong becomes alarms, and each channel gets its news."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from orchestration.notifications import alarms, conditions, fallback, messages
from orchestration.notifications.channels import (
    Channel,
    configured_channels,
    send_to_all,
    send_with_timeout,
)
from orchestration.postgres.database import Database
from orchestration.settings import Settings

_LOCK = 7_301_845_122  # any number; who looks and tells holds it, so that each is told once
_WAIT = "60s"  # for who tells, whose every attempt ends; as long as it takes would be for ever
_LEFT = "Another process has been telling for a minute: what is new was left for the next time."


def dispatch_notifications(
    settings: Settings,
    database: Database,
    *,
    now: datetime | None = None,
    to: Sequence[Channel] | None = None,
    wait: bool = True,
) -> list[str]:
    """Bring the alarms up to date and tell each channel its news; the failures, for a person.

    `to`: the channels, by default those of the settings. While another process tells, `wait` a
    minute for it, or leave it to that one.
    """
    places = configured_channels(settings) if to is None else to
    with database.connect(application="atendimento notify") as conn:
        conn.autocommit = True
        with _alone(conn, wait=wait) as mine:
            if not mine:
                return [_LEFT] if wait else []
            look = conditions.find_conditions(conn, settings, now or datetime.now(UTC))
            published_at = _published_at(conn)
            elsewhere = fallback.pending_kinds(settings.home, published_at)
            alarms.update_alarms(conn, look.found, look.kinds - elsewhere)
            return [
                *fallback.flush_fallback(settings, places, published_at),
                *_tell(conn, settings, places),
            ]


def send_test_messages(settings: Settings) -> Iterator[tuple[str, str]]:
    """Send a test by each channel: its label, and why it failed or nothing."""
    message = messages.build_test_message(datetime.now(UTC), settings.public_url or "")
    for channel in configured_channels(settings):
        yield channel.label, send_with_timeout(channel, message)


def _published_at(conn: psycopg.Connection) -> datetime | None:
    row = conn.execute("select max(published_at) from ops.publication").fetchone()
    return row[0] if row else None


def _tell(conn: psycopg.Connection, settings: Settings, places: Sequence[Channel]) -> list[str]:
    news = {channel: alarms.pending_for(conn, channel.key) for channel in places}
    address, installation = settings.public_url or "", alarms.installation(conn)
    due = {
        channel: messages.build_message(untold, settings.group_timezone, address, installation)
        for channel, untold in news.items()
        if untold
    }
    failures = []
    for channel, failure in send_to_all(due):
        if failure:
            alarms.record_failure(conn, channel.key, failure)
            failures.append(f"{channel.label} could not be told: {failure}")
        else:
            alarms.record_delivered(conn, channel.key, news[channel])
    return failures


@contextmanager
def _alone(conn: psycopg.Connection, *, wait: bool) -> Iterator[bool]:
    if not (_waited(conn) if wait else _tried(conn)):
        yield False
        return
    try:
        yield True
    finally:
        conn.execute("select pg_advisory_unlock(%s)", [_LOCK])


def _tried(conn: psycopg.Connection) -> bool:
    return conn.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone() == (True,)


def _waited(conn: psycopg.Connection) -> bool:
    try:
        # Of this statement alone: nothing that is read or kept afterwards is hurried.
        with conn.transaction():
            conn.execute("select set_config('lock_timeout', %s, true)", [_WAIT])
            conn.execute("select pg_advisory_lock(%s)", [_LOCK])
    except psycopg.errors.LockNotAvailable:
        return False
    return True
