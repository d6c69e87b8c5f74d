"""Sign-ins under way at an OpenID provider: each is answered once, in the browser that began it.

Of the state and of the browser's token only hashes are kept.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import psycopg

LASTS = timedelta(minutes=10)


class PendingSignIn(NamedTuple):
    """What the provider is told, and what its answer is compared with."""

    state: str
    nonce: str
    verifier: str
    next_path: str


def begin_sign_in(conn: psycopg.Connection, browser: str, next_path: str) -> PendingSignIn:
    """Remember a sign-in that this browser begins; forget those that were never finished."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    conn.execute("delete from access.openid_state where expires_at <= clock_timestamp()")
    conn.execute(
        """
        insert into access.openid_state
            (state_hash, browser_hash, nonce, verifier, next_path, expires_at)
        values (%s, %s, %s, %s, %s, clock_timestamp() + %s)
        """,
        [_hash(state), _hash(browser), nonce, verifier, next_path, LASTS],
    )
    return PendingSignIn(state, nonce, verifier, next_path)


def take_sign_in(conn: psycopg.Connection, state: str, browser: str) -> PendingSignIn | None:
    """The sign-in of a state, once; None when another browser began it, or it took too long."""
    found = conn.execute(
        """
        delete from access.openid_state
        where state_hash = %s and browser_hash = %s and expires_at > clock_timestamp()
        returning nonce, verifier, next_path
        """,
        [_hash(state), _hash(browser)],
    ).fetchone()
    return PendingSignIn(state, *found) if found else None


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
