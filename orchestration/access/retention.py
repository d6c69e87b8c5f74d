"""Deletes expired sessions, searches, sign-ins and old rows of the access log."""

from __future__ import annotations

from datetime import timedelta

import psycopg

_SESSIONS_STAY = timedelta(days=30)
_SEARCHES_STAY = timedelta(days=1)


def delete_expired(conn: psycopg.Connection, log_days: int) -> None:
    """Remove log rows older than that many days, sessions that ended long ago, what was sought in
    those that nobody uses, and sign-ins at a provider that nobody finished in time.
    """
    with conn.transaction():
        conn.execute("select access.forget_log(clock_timestamp() - %s)", [timedelta(days=log_days)])
        conn.execute(
            "delete from access.session where expires_at < clock_timestamp() - %s",
            [_SESSIONS_STAY],
        )
        conn.execute(
            "update access.session set sought = '{}'"
            " where sought <> '{}' and last_seen_at < clock_timestamp() - %s",
            [_SEARCHES_STAY],
        )
        conn.execute("delete from access.openid_state where expires_at <= clock_timestamp()")
