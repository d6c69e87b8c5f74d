"""Server-side sessions.

Only hashes of tokens are stored, so that reading the table does not allow signing in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import psycopg

_SEEN_AGAIN_AFTER = timedelta(minutes=1)


class Session(NamedTuple):
    """A valid session. `must_change` requires a new password before anything else."""

    user_id: str
    csrf: str
    must_change: bool


class NewSession(NamedTuple):
    """A new session, with the token for the browser."""

    token: str
    session: Session


def start_session(
    conn: psycopg.Connection,
    user_id: str,
    *,
    lifetime: timedelta,
    address: str,
    must_change: bool = False,
) -> NewSession:
    """Start a session with a new random token.

    Args:
        conn: A connection of the sign-in login.
        user_id: The user.
        lifetime: How long the session lasts at most.
        address: The client's IP address.
        must_change: Whether the user must first set a new password.

    Returns:
        The session and its token.
    """
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    conn.execute(
        """
        insert into access.session
            (token_hash, user_id, csrf, created_at, last_seen_at, expires_at, address)
        select %s, %s, %s, now, now, now + %s, %s
        from clock_timestamp() as now
        """,
        [_hash(token), user_id, csrf, lifetime, address],
    )
    return NewSession(token, Session(user_id, csrf, must_change))


def find_session(
    conn: psycopg.Connection, token: str, *, idle: timedelta, with_account: bool
) -> Session | None:
    """Find the session of a token, and update when it was last seen.

    Args:
        conn: A connection of the sign-in login.
        token: The token that the browser sent.
        idle: How long a session lasts without requests.
        with_account: Whether the session requires a local account, and ends when that is removed.

    Returns:
        The session, or None if it is unknown, expired or revoked.
    """
    found = conn.execute(
        """
        select
            session.user_id,
            session.csrf,
            coalesce(account.must_change, false),
            account.user_id is not null,
            session.last_seen_at < clock_timestamp() - %s
        from access.session
        left join access.account on account.user_id = session.user_id
        where session.token_hash = %s
            and session.revoked_at is null
            and session.expires_at > clock_timestamp()
            and session.last_seen_at > clock_timestamp() - %s
        """,
        [_SEEN_AGAIN_AFTER, _hash(token), idle],
    ).fetchone()
    if not found:
        return None
    user_id, csrf, must_change, has_account, is_due = found
    if with_account and not has_account:
        return None
    if is_due:
        conn.execute(
            "update access.session set last_seen_at = clock_timestamp() where token_hash = %s",
            [_hash(token)],
        )
    return Session(user_id, csrf, must_change and with_account)


def add_search(conn: psycopg.Connection, token: str, sought: str) -> int:
    """Store a search text in the session.

    Args:
        conn: A connection of the sign-in login.
        token: The session's token.
        sought: The search text.

    Returns:
        Its number within the session, from 1; 0 without a session.
    """
    row = conn.execute(
        "update access.session set searches = searches || %s::text where token_hash = %s"
        " returning cardinality(searches)",
        [sought, _hash(token)],
    ).fetchone()
    return row[0] if row else 0


def read_search(conn: psycopg.Connection, token: str, number: int) -> str:
    """Read a search text of the session.

    Args:
        conn: A connection of the sign-in login.
        token: The session's token.
        number: The number that `add_search` returned.

    Returns:
        The search text, or an empty string if there is none.
    """
    row = conn.execute(
        "select searches[%s] from access.session where token_hash = %s", [number, _hash(token)]
    ).fetchone()
    return (row and row[0]) or ""


def revoke_session(conn: psycopg.Connection, token: str) -> None:
    """End the session of a token."""
    conn.execute(
        "update access.session set revoked_at = clock_timestamp(), searches = '{}'"
        " where token_hash = %s and revoked_at is null",
        [_hash(token)],
    )


def revoke_all_sessions(conn: psycopg.Connection, user_id: str) -> int:
    """End every session of a user; return how many were valid."""
    return conn.execute(
        "update access.session set revoked_at = clock_timestamp(), searches = '{}'"
        " where user_id = %s and revoked_at is null and expires_at > clock_timestamp()",
        [user_id],
    ).rowcount


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
