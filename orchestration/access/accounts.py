"""Local accounts of the lookup page, as an administrator handles them.

It works as the owner of the database, which the page never does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

from orchestration.files import read_regular
from orchestration.ingest.contract import DEMO_GENERATOR, MANIFEST
from orchestration.ingest.manifest import LARGEST_MANIFEST
from reports.lookup import accounts, passwords, sessions
from reports.lookup.config import HashCost
from reports.lookup.passwords import Hasher


class AccountUser(NamedTuple):
    """A user of what is published."""

    user_id: str
    login: str
    role: str
    active: bool


class AccountStatus(NamedTuple):
    """A user with what there is of an account; without one `must_change` is None."""

    login: str
    role: str
    company_id: str
    must_change: bool | None
    is_locked: bool
    changed_at: datetime | None
    sessions: int


class FirstPassword(NamedTuple):
    """What somebody signs in with for the first time."""

    role: str
    login: str
    password: str


def find_user(conn: psycopg.Connection, login_or_id: str) -> AccountUser | None:
    """The user of that login, or of that id."""
    if not _is_published(conn):
        return None
    found = conn.execute(
        "select user_id, login, role, active from marts.app_user"
        " where login = %(sought)s or user_id = %(sought)s"
        " order by login = %(sought)s desc limit 1",
        {"sought": login_or_id},
    ).fetchone()
    return AccountUser._make(found) if found else None


def give_first_password(conn: psycopg.Connection, user_id: str) -> str:
    """Set a password that must be changed at the next sign-in, end all sessions, and return it."""
    password = passwords.generate_password()
    hashed = Hasher(HashCost()).hash(password)
    with conn.transaction():
        accounts.set_password(conn, user_id, hashed, must_change=True)
        sessions.revoke_all_sessions(conn, user_id)
    return password


def revoke_account(conn: psycopg.Connection, user_id: str) -> int:
    """End all sessions and remove the password; how many sessions were in force."""
    with conn.transaction():
        conn.execute("delete from access.account where user_id = %s", [user_id])
        return sessions.revoke_all_sessions(conn, user_id)


def list_accounts(conn: psycopg.Connection) -> Iterator[AccountStatus]:
    """Every active user of what is published, in the order of logins."""
    if not _is_published(conn):
        return
    rows = conn.execute(
        """
        select
            app_user.login,
            app_user.role,
            app_user.company_id,
            account.must_change,
            coalesce(account.locked_until > clock_timestamp(), false),
            account.changed_at,
            (
                select count(*) from access.session
                where session.user_id = app_user.user_id
                    and session.revoked_at is null
                    and session.expires_at > clock_timestamp()
            )
        from marts.app_user
        left join access.account on account.user_id = app_user.user_id
        where app_user.active
        order by app_user.login collate "C"
        """
    )
    for row in rows:
        yield AccountStatus._make(row)


def demo_first_passwords(conn: psycopg.Connection) -> list[FirstPassword]:
    """New first passwords of one manager and one attendant, when all that was loaded is a demo.

    Not of an account whose password was chosen already: that one is its owner's.
    """
    if not _is_published(conn) or not _is_demo(conn):
        return []
    shown = []
    for user_id, role, login in conn.execute(_DEMO_PEOPLE).fetchall():
        chosen = conn.execute(
            "select 1 from access.account where user_id = %s and not must_change", [user_id]
        ).fetchone()
        if not chosen:
            shown.append(FirstPassword(role, login, give_first_password(conn, user_id)))
    return shown


# The manager who sees most, and the attendant of their home company with the longest list.
_DEMO_PEOPLE = """
with manager as (

    select app_user.user_id, app_user.role, app_user.login, app_user.company_id
    from marts.app_user
    left join marts.user_company using (user_id)
    where app_user.active and app_user.role = 'manager'
    group by app_user.user_id, app_user.role, app_user.login, app_user.company_id
    order by count(user_company.company_id) desc, app_user.user_id collate "C"
    limit 1

), attendant as (

    select app_user.user_id, app_user.role, app_user.login
    from marts.app_user
    inner join manager on manager.company_id = app_user.company_id
    left join marts.call_list
        on call_list.company_id = app_user.company_id
        and call_list.agent_id = app_user.user_id
    where app_user.active and app_user.role = 'attendant'
    group by app_user.user_id, app_user.role, app_user.login
    order by count(call_list.agenda_id) desc, app_user.user_id collate "C"
    limit 1

)

select user_id, role, login from manager
union all
select user_id, role, login from attendant
"""


def _is_published(conn: psycopg.Connection) -> bool:
    found = conn.execute("select to_regclass('marts.app_user') is not null").fetchone()
    return found == (True,)


def _is_demo(conn: psycopg.Connection) -> bool:
    sources = conn.execute(
        "select distinct source from ops.delivery where status = 'loaded'"
    ).fetchall()
    return bool(sources) and all(_is_of_demo(Path(source)) for (source,) in sources)


def _is_of_demo(folder: Path) -> bool:
    try:
        manifest = json.loads(read_regular(folder / MANIFEST, LARGEST_MANIFEST))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.get("generator") == DEMO_GENERATOR
