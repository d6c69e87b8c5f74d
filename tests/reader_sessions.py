"""Sessions by which the lookup page's role reads, without signing in."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from orchestration.postgres.database import Database
from reports.lookup import sessions


def session_key(owner: Database, user_id: str) -> bytes:
    """The key of a new session of a user, whether or not there is one of that id."""
    lasts = timedelta(hours=1)
    with owner.connect() as conn:
        opened = sessions.start_session(conn, user_id, lifetime=lasts, idle=lasts, address="")
        return opened.session.key


def identify(conn: psycopg.Connection, owner: Database, user_id: str) -> list[tuple[object, ...]]:
    """Make a user the reader of the page's transaction; what the page is told of them."""
    key = session_key(owner, user_id)
    return conn.execute("select * from access.identify(%s)", [key]).fetchall()
