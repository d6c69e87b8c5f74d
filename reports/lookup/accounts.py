"""Local accounts: tries, lock-out, and setting a password.

A try is counted before its password is looked at, so that tries made at the same instant cannot be
more than the limit; a right password forgets them.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

import psycopg


class AccountState(NamedTuple):
    """What a try is compared with."""

    password_hash: str
    must_change: bool


# A lock that has ended begins a new count. The try that reaches the limit locks what comes after.
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
    """Count a try and return the account; None when it is locked or there is none."""
    values = {"user_id": user_id, "limit": limit, "locked_for": locked_for}
    found = conn.execute(_TRY, values).fetchone()
    return AccountState._make(found) if found else None


def try_address(conn: psycopg.Connection, address: str, *, limit: int, within: timedelta) -> bool:
    """Count a try from an address; whether it is among the allowed ones."""
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
    """The password was right: nothing of it counts, of the account or of one try of the address."""
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
    """The hash that is kept for a user."""
    found = conn.execute(
        "select password_hash from access.account where user_id = %s", [user_id]
    ).fetchone()
    return found[0] if found else None


def set_password(conn: psycopg.Connection, user_id: str, hashed: str, *, must_change: bool) -> None:
    """Keep a new password's hash; tries and a lock are forgotten."""
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
    """The address, or of an IPv6 one the network of 64 bits that its holder chooses from."""
    try:
        given = IPv6Address(address)
    except ValueError:
        return address
    return str(given.ipv4_mapped or IPv6Network((given, 64), strict=False))
