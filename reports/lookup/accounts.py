"""Local accounts: whose a login is, limits on failed sign-ins, and setting a password.

An attempt is counted before its password is verified, so that concurrent attempts cannot exceed a
limit; a successful sign-in takes its count back. Attempts on an account are counted for each
network address, and for each browser in which its user has signed in before: what somebody else
tries elsewhere does not keep the user out.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network
from typing import Literal, NamedTuple

import psycopg

from reports.lookup import sessions
from reports.lookup.config import SignInLimits
from reports.lookup.read_transaction import NothingPublished

FIRST_PASSWORD_LASTS = timedelta(hours=72)
_ALL_ACCOUNTS = ""


class LoginUser(NamedTuple):
    """The user of a login, by what is published."""

    user_id: str
    company_id: str
    active: bool


class AccountState(NamedTuple):
    """What a password is checked against. A first password expires when it was not changed."""

    password_hash: str
    must_change: bool
    is_expired: bool


class Attempt(NamedTuple):
    """Where an attempt was counted, and which limit refuses it."""

    source: str
    locked: Literal["account", "address"] | None


# Failures count less with time, all of a limit within `period`. Each attempt that reaches the limit
# locks for twice as long as the one before it on the same day; it is itself still checked.
_COUNT = """
insert into access.sign_in_limit as kept
    (source, user_id, failures, locks, failed_at, locked_until)
values (%(source)s, %(user_id)s, 1, 0, clock_timestamp(), '-infinity')
on conflict (source, user_id) do update
set (failures, locks, failed_at, locked_until) = (
    select
        counted.failures,
        counted.locks + cast(reached as integer),
        counted.now,
        case
            when reached then counted.now
                + least(%(first_lock)s * power(2, least(counted.locks, 20)), %(longest_lock)s)
            else '-infinity'
        end
    from (
        select
            greatest(
                kept.failures
                - %(limit)s * extract(epoch from now - kept.failed_at)
                / extract(epoch from %(period)s),
                0
            ) + 1 as failures,
            case when kept.failed_at > now - interval '1 day' then kept.locks else 0 end as locks,
            now
        from clock_timestamp() as now
    ) as counted
    cross join lateral (select ceil(counted.failures) >= %(limit)s as reached) as limited
)
where kept.locked_until <= clock_timestamp()
returning true
"""


def find_login(conn: psycopg.Connection, login: str) -> LoginUser | None:
    """Find the user of a login.

    Args:
        conn: A connection of the sign-in login.
        login: The login.

    Returns:
        The user, also one who is not active, or None.

    Raises:
        NothingPublished: There are no users yet.
    """
    if "\0" in login:
        return None
    try:
        found = conn.execute("select * from access.find_login(%s)", [login]).fetchone()
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable) as error:
        raise NothingPublished from error
    return LoginUser._make(found) if found else None


def begin_attempt(
    conn: psycopg.Connection,
    user_id: str | None,
    limits: SignInLimits,
    *,
    address: str,
    browser: bytes = b"",
) -> Attempt:
    """Count an attempt to sign in.

    Args:
        conn: A connection of the sign-in login.
        user_id: The account, or None for an unknown login.
        limits: The limits.
        address: The client's IP address; IPv6 addresses are counted by /64 network.
        browser: The key of the last session in the client's browser.

    Returns:
        Where it was counted, and whether that is locked.
    """
    is_known = user_id and browser and sessions.has_signed_in(conn, browser, user_id)
    if user_id and is_known and try_in_session(conn, browser, user_id, limits):
        return Attempt(_browser(browser), None)
    source = _network(address)
    if not _count(conn, source, _ALL_ACCOUNTS, limits.tries_of_address, limits):
        return Attempt(source, "address")
    if user_id and not _count(conn, source, user_id, limits.tries_of_account, limits):
        return Attempt(source, "account")
    return Attempt(source, None)


def try_in_session(
    conn: psycopg.Connection, session_key: bytes, user_id: str, limits: SignInLimits
) -> bool:
    """Count an attempt in the browser of a session, in force or ended.

    Args:
        conn: A connection of the sign-in login.
        session_key: The session.
        user_id: Its user.
        limits: The limits.

    Returns:
        Whether the attempt is allowed.
    """
    return _count(conn, _browser(session_key), user_id, limits.tries_of_account, limits)


def _browser(session_key: bytes) -> str:
    return f"browser {session_key.hex()}"


def _count(
    conn: psycopg.Connection, source: str, user_id: str, limit: int, limits: SignInLimits
) -> bool:
    """Count an attempt unless the source is locked; return whether it was counted."""
    values = {
        "source": source,
        "user_id": user_id,
        "limit": limit,
        "period": limits.period,
        "first_lock": limits.first_lock,
        "longest_lock": limits.longest_lock,
    }
    return conn.execute(_COUNT, values).fetchone() is not None


def forget_attempts(conn: psycopg.Connection, source: str, user_id: str) -> None:
    """Forget the attempts from a source on an account, and take back one on whatever account.

    Args:
        conn: A connection of the sign-in login.
        source: Where the attempt with the right password was counted.
        user_id: The account.
    """
    conn.execute(
        "delete from access.sign_in_limit where source = %s and user_id = %s", [source, user_id]
    )
    conn.execute(
        "update access.sign_in_limit"
        " set failures = greatest(failures - 1, 0), locked_until = '-infinity'"
        " where source = %s and user_id = %s",
        [source, _ALL_ACCOUNTS],
    )


def find_account(conn: psycopg.Connection, user_id: str) -> AccountState | None:
    """Return the account of a user, or None."""
    found = conn.execute(
        "select password_hash, must_change, must_change and changed_at < clock_timestamp() - %s"
        " from access.account where user_id = %s",
        [FIRST_PASSWORD_LASTS, user_id],
    ).fetchone()
    return AccountState._make(found) if found else None


def set_password(conn: psycopg.Connection, user_id: str, hashed: str, *, must_change: bool) -> None:
    """Store a new password hash, and forget all failed attempts on the account.

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
            changed_at = excluded.changed_at
        """,
        [user_id, hashed, must_change],
    )
    conn.execute("delete from access.sign_in_limit where user_id = %s", [user_id])


def _network(address: str) -> str:
    """Return an IPv4 address unchanged, and the /64 network of an IPv6 address."""
    try:
        given = IPv6Address(address)
    except ValueError:
        return address
    return str(given.ipv4_mapped or IPv6Network((given, 64), strict=False))
