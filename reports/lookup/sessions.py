"""Server-side sessions.

Only hashes of tokens are stored, so that reading the table does not allow signing in. The view
`access.live_session` decides which sessions are in force, for this module and the row policies.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import psycopg

KEPT_FOR = timedelta(days=30)
"""How long a session is kept after its end: a browser is known by its last one."""
_SEEN_AGAIN_AFTER = timedelta(minutes=1)


class Session(NamedTuple):
    """A valid session. `must_change` requires a new password before anything else.

    `key`, the hash of its token, is what the row policies identify the reader by.
    """

    key: bytes
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
    idle: timedelta,
    address: str,
    must_change: bool = False,
) -> NewSession:
    """Start a session with a new random token.

    Args:
        conn: A connection of the sign-in login.
        user_id: The user.
        lifetime: How long the session lasts at most.
        idle: How long it lasts without requests.
        address: The client's IP address.
        must_change: Whether the user must first set a new password.

    Returns:
        The session and its token.
    """
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    conn.execute(
        """
        insert into access.session
            (token_hash, user_id, csrf, created_at, last_seen_at, expires_at, idle, address)
        select %s, %s, %s, now, now, now + %s, %s, %s
        from clock_timestamp() as now
        """,
        [token_hash(token), user_id, csrf, lifetime, idle, address],
    )
    return NewSession(token, Session(token_hash(token), user_id, csrf, must_change))


def find_session(conn: psycopg.Connection, token: str, *, with_account: bool) -> Session | None:
    """Find the session of a token, and update when it was last seen.

    Args:
        conn: A connection of the sign-in login.
        token: The token that the browser sent.
        with_account: Whether the session requires a local account, and ends when that is removed.

    Returns:
        The session, or None if it is unknown or no longer in force.
    """
    found = conn.execute(
        """
        select
            session.user_id,
            session.csrf,
            coalesce(account.must_change, false),
            account.user_id is not null,
            session.last_seen_at < clock_timestamp() - %s
        from access.live_session as session
        left join access.account on account.user_id = session.user_id
        where session.token_hash = %s
        """,
        [_SEEN_AGAIN_AFTER, token_hash(token)],
    ).fetchone()
    if not found:
        return None
    user_id, csrf, must_change, has_account, is_due = found
    if with_account and not has_account:
        return None
    if is_due:
        conn.execute(
            "update access.session set last_seen_at = clock_timestamp() where token_hash = %s",
            [token_hash(token)],
        )
    return Session(token_hash(token), user_id, csrf, must_change and with_account)


def revoke_session(conn: psycopg.Connection, key: bytes) -> None:
    """End one session."""
    conn.execute(
        "update access.session set revoked_at = clock_timestamp()"
        " where token_hash = %s and revoked_at is null",
        [key],
    )


def revoke_all_sessions(conn: psycopg.Connection, user_id: str) -> int:
    """End every session of a user; return how many were valid."""
    return conn.execute(
        "update access.session set revoked_at = clock_timestamp()"
        " where user_id = %s and revoked_at is null and expires_at > clock_timestamp()",
        [user_id],
    ).rowcount


def has_signed_in(conn: psycopg.Connection, key: bytes, user_id: str) -> bool:
    """Whether a session was this user's, in force or ended."""
    found = conn.execute(
        "select from access.session where token_hash = %s and user_id = %s", [key, user_id]
    ).fetchone()
    return found is not None


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return sha256(token.encode("utf-8", "replace")).digest()
