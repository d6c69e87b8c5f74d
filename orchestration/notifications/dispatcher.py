"""Brings the alarms up to date and sends each recipient what it has not been told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import psycopg

from orchestration.notifications import alarm_file, alarms, conditions, messages
from orchestration.notifications.alarms import PendingNotification
from orchestration.notifications.channels import (
    Channel,
    configured_channels,
    send_to_all,
    send_with_timeout,
)
from orchestration.postgres import locks
from orchestration.postgres.database import Database
from orchestration.settings import Settings

_LOCK_TIMEOUT = "60s"  # whoever holds it sends, and each attempt ends within half a minute
_LEFT = (
    "Another process has been sending notifications for a minute. Nothing was sent; what is new is "
    "sent the next time."
)


def dispatch_notifications(
    settings: Settings,
    database: Database,
    *,
    now: datetime | None = None,
    to: Sequence[Channel] | None = None,
    wait: bool = True,
) -> list[str]:
    """Bring the alarms up to date and send each channel what it has not been told.

    Args:
        settings: The limits, and the channels.
        database: The database that is looked at, and that stores who was told.
        now: The time at which data, backups and editions are late; by default the present.
        to: The channels, by default those of the settings.
        wait: Whether to wait for another process that sends, for a minute, or to leave it to that.

    Returns:
        A sentence for each channel that could not be told. It is tried again the next time.
    """
    places = configured_channels(settings) if to is None else to
    with database.connect(application="atendimento notify") as conn:
        conn.autocommit = True
        with _locked(conn, _LOCK_TIMEOUT if wait else "1ms") as locked:
            if not locked:
                return [_LEFT] if wait else []
            alarm_file.move_to_database(settings.home, conn)
            alarms.update_alarms(
                conn, conditions.find_conditions(conn, settings, now or datetime.now(UTC))
            )
            return _send(
                settings,
                {channel: alarms.pending_for(conn, channel.key) for channel in places},
                partial(alarms.record_result, conn),
                alarms.installation(conn),
            )


def notify_without_database(
    settings: Settings,
    kind: conditions.Kind,
    facts: Mapping[str, str],
    to: Sequence[Channel] | None = None,
) -> list[str]:
    """Send each channel an alarm that the database cannot store, unless it was told already.

    Args:
        settings: The channels, and the folder of the file that stores who was told.
        kind: The alarm's kind. Further alarms of this kind are the same until the database is back.
        facts: What the message says of it.
        to: The channels, by default those of the settings.

    Returns:
        A sentence for each channel that could not be told. It is tried again the next time.
    """
    places = configured_channels(settings) if to is None else to
    if not places:
        return []
    try:
        with alarm_file.locked_file(settings.home) as file:
            file.open_alarm(kind, facts)
            pending = {channel: file.pending(channel.key) for channel in places}
            return _send(settings, pending, file.record_result)
    except OSError as error:
        # What is sent without a record would be sent at each look.
        return [f"Alarms are not sent: {error.filename} cannot be written: {error.strerror}."]


def send_test_messages(settings: Settings) -> Iterator[tuple[str, str]]:
    """Send a test by each channel; yield its label, and why it failed or an empty string."""
    message = messages.build_test_message(datetime.now(UTC), settings.public_url or "")
    for channel in configured_channels(settings):
        yield channel.label, send_with_timeout(channel, message)


def _send(
    settings: Settings,
    pending: Mapping[Channel, PendingNotification],
    record: Callable[[str, PendingNotification, str], None],
    installation: str = "",
) -> list[str]:
    due = {
        channel: messages.build_message(
            news, settings.group_timezone, settings.public_url or "", installation
        )
        for channel, news in pending.items()
        if news
    }
    failures = []
    for channel, failure in send_to_all(due):
        record(channel.key, pending[channel], failure)
        if failure:
            failures.append(f"{channel.label} could not be told: {failure}")
    return failures


@contextmanager
def _locked(conn: psycopg.Connection, timeout: str) -> Iterator[bool]:
    """Hold the lock, so that each recipient is told once; yield whether it could be had in time."""
    try:
        # The time-out holds for this statement alone.
        with conn.transaction():
            conn.execute("select set_config('lock_timeout', %s, true)", [timeout])
            conn.execute("select pg_advisory_lock(%s)", [locks.NOTIFICATIONS])
    except psycopg.errors.LockNotAvailable:
        yield False
        return
    try:
        yield True
    finally:
        conn.execute("select pg_advisory_unlock(%s)", [locks.NOTIFICATIONS])
