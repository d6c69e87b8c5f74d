"""Deletes old rows of the lookup page: its access log, sessions, unfinished sign-ins."""

from __future__ import annotations

from datetime import timedelta

import psycopg

_SESSIONS_STAY = timedelta(days=30)
_SEARCHES_STAY = timedelta(days=1)


def delete_expired(conn: psycopg.Connection, log_days: int) -> None:
    """Delete old rows of the access log, sessions that ended long ago, and expired sign-ins.

    Also clears what was searched for in sessions that nobody has used for a day.
    """
    with conn.transaction():
        conn.execute("select access.forget_log(clock_timestamp() - %s)", [timedelta(days=log_days)])
        conn.execute(
            "delete from access.session where expires_at < clock_timestamp() - %s",
            [_SESSIONS_STAY],
        )
        conn.execute(
            "update access.session set searches = '{}'"
            " where searches <> '{}' and last_seen_at < clock_timestamp() - %s",
            [_SEARCHES_STAY],
        )
        conn.execute("delete from access.openid_state where expires_at <= clock_timestamp()")
