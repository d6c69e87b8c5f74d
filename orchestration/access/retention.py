"""Deletes old rows of the lookup page: its access log, sessions, unfinished sign-ins."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from reports.lookup import sessions

_LIMITS_STAY = timedelta(days=1)


def delete_expired(conn: psycopg.Connection, log_days: int) -> None:
    """Delete old rows of the access log, sessions that ended long ago, and expired sign-ins.

    Also deletes failed sign-ins that no longer count.
    """
    with conn.transaction():
        conn.execute("select access.forget_log(clock_timestamp() - %s)", [timedelta(days=log_days)])
        conn.execute(
            "delete from access.session where expires_at < clock_timestamp() - %s",
            [sessions.KEPT_FOR],
        )
        conn.execute(
            "delete from access.sign_in_limit"
            " where failed_at < clock_timestamp() - %s and locked_until < clock_timestamp()",
            [_LIMITS_STAY],
        )
        conn.execute("delete from access.openid_state where expires_at <= clock_timestamp()")
