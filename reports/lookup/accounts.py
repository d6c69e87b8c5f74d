"""Local accounts: failed attempts, lockout, and setting a password.

An attempt is counted before its password is verified, so that concurrent attempts cannot exceed the
limit; a successful sign-in resets the count.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

import psycopg


class AccountState(NamedTuple):
    """What a password attempt is checked against."""

    password_hash: str
    must_change: bool


# An expired lock restarts the count. The attempt that reaches the limit locks the account for later
# attempts, but is itself still checked.
_TRY = """
update access.account
set failed_attempts = tried.count,
    locked_until = case
        when tried.count >= %(limit)s then clock_timestamp() + %(locked_for)s
    end
from (
    select
        user_id,
        case when locked_until is null then failed_attempts else 0 end + 1 as count
    from access.account
    where user_id = %(user_id)s
        and (locked_until is null or locked_until <= clock_timestamp())
    for update
) as tried
where account.user_id = tried.user_id
returning account.password_hash, account.must_change
"""


def try_password(
    conn: psycopg.Connection, user_id: str | None, *, limit: int, locked_for: timedelta
) -> AccountState | None:
    """Count an attempt to sign in to an account.

    Args:
        conn: A connection of the sign-in login.
        user_id: The account, or None for an unknown login.
        limit: How many attempts lock the account.
        locked_for: How long the lock lasts.

    Returns:
        The account, or None when it is locked or does not exist.
    """
    values = {"user_id": user_id, "limit": limit, "locked_for": locked_for}
    found = conn.execute(_TRY, values).fetchone()
    return AccountState._make(found) if found else None


def try_address(conn: psycopg.Connection, address: str, *, limit: int, within: timedelta) -> bool:
    """Count an attempt from a network address.

    Args:
        conn: A connection of the sign-in login.
        address: The client's IP address; IPv6 addresses are counted by /64 network.
        limit: How many attempts are allowed within the period.
        within: The period.

    Returns:
        Whether the attempt is within the limit.
    """
    address = _neighbourhood(address)
    conn.execute("delete from access.failed_sign_in where at < clock_timestamp() - %s", [within])
    conn.execute(
        "insert into access.failed_sign_in (address, at) values (%s, clock_timestamp())", [address]
    )
    found = conn.execute(
        "select count(*) from access.failed_sign_in where address = %s", [address]
    ).fetchone()
    return found is not None and found[0] <= limit


def forget_tries(conn: psycopg.Connection, user_id: str, address: str) -> None:
    """Reset an account's attempts and remove one attempt of the address, after a correct password.

    Args:
        conn: A connection of the sign-in login.
        user_id: The account.
        address: The client's IP address.
    """
    address = _neighbourhood(address)
    conn.execute(
        "update access.account set failed_attempts = 0, locked_until = null where user_id = %s",
        [user_id],
    )
    conn.execute(
        "delete from access.failed_sign_in where ctid = (select ctid from access.failed_sign_in"
        " where address = %s order by at desc limit 1)",
        [address],
    )


def password_hash(conn: psycopg.Connection, user_id: str) -> str | None:
    """Return the stored hash of a user, or None."""
    found = conn.execute(
        "select password_hash from access.account where user_id = %s", [user_id]
    ).fetchone()
    return found[0] if found else None


def set_password(conn: psycopg.Connection, user_id: str, hashed: str, *, must_change: bool) -> None:
    """Store a new password hash, and reset attempts and lock.

    Args:
        conn: A connection of the sign-in login.
        user_id: The account, created if it does not exist.
        hashed: The password hash.
        must_change: Whether the user must change the password at the next sign-in.
    """
    conn.execute(
        """
        insert into access.account (user_id, password_hash, must_change, changed_at)
        values (%s, %s, %s, clock_timestamp())
        on conflict (user_id) do update set
            password_hash = excluded.password_hash,
            must_change = excluded.must_change,
            changed_at = excluded.changed_at,
            failed_attempts = 0,
            locked_until = null
        """,
        [user_id, hashed, must_change],
    )


def _neighbourhood(address: str) -> str:
    """Return an IPv4 address unchanged, and the /64 network of an IPv6 address."""
    try:
        given = IPv6Address(address)
    except ValueError:
        return address
    return str(given.ipv4_mapped or IPv6Network((given, 64), strict=False))
