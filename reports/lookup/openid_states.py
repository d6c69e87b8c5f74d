"""Pending sign-ins at an OpenID provider: each is used once, in the browser that began it.

The state and the browser's token are stored as hashes only.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import psycopg

LASTS = timedelta(minutes=10)


class PendingSignIn(NamedTuple):
    """The values sent to the provider and compared with its answer."""

    state: str
    nonce: str
    verifier: str
    next_path: str


def begin_sign_in(conn: psycopg.Connection, browser: str, next_path: str) -> PendingSignIn:
    """Store a new pending sign-in, and delete expired ones.

    Args:
        conn: A connection of the sign-in login.
        browser: The token in the browser's cookie.
        next_path: The path to open after the sign-in.

    Returns:
        The pending sign-in.
    """
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
    """Delete and return the pending sign-in of a state.

    Args:
        conn: A connection of the sign-in login.
        state: The state in the provider's answer.
        browser: The token in the browser's cookie.

    Returns:
        The pending sign-in; None if it expired, was already used or began in another browser.
    """
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
