"""`atendimento account set|list|revoke`: local accounts of the lookup page."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from orchestration.runs.run_result import FAILED, OK, WRONG_USAGE
from orchestration.settings import Settings

End = Callable[[int, str], int]


def add_commands(commands: Any) -> None:
    """Add `account` to the program's commands."""
    account = commands.add_parser("account", help="local accounts of the lookup page")
    actions = account.add_subparsers(required=True, metavar="ACTION", dest="action")
    for action, says in (
        ("set", "give a user a first password, to be changed at the next sign-in"),
        ("revoke", "end a user's sessions and withdraw the password"),
    ):
        actions.add_parser(action, help=says).add_argument("user", help="login or user id")
    actions.add_parser("list", help="active users and their accounts")


def execute(options: argparse.Namespace, settings: Settings, end: End) -> int:
    """Run one action; its exit code. `end` prints the last line."""
    from orchestration.postgres.database import DatabaseError

    try:
        with _connected(settings) as conn:
            if options.action == "list":
                return _list(conn, end)
            return _change(conn, options.action, options.user, end)
    except DatabaseError as error:
        return end(FAILED, f"Failed: {error}")


def _change(conn: psycopg.Connection, action: str, named: str, end: End) -> int:
    from orchestration.access import accounts

    person = accounts.find_user(conn, named)
    if person is None:
        return end(
            WRONG_USAGE,
            "There is no such user in what is published; users come with the delivery. "
            "Nothing was changed.",
        )
    if action == "revoke":
        ended = accounts.revoke_account(conn, person.user_id)
        return end(OK, f"{person.login}: password withdrawn, {ended} sessions ended.")
    if not person.active:
        return end(WRONG_USAGE, f"{person.login} is not active. Nothing was changed.")
    print(accounts.give_first_password(conn, person.user_id))
    return end(OK, f"The line above is the first password of {person.login}; it is not kept.")


def _list(conn: psycopg.Connection, end: End) -> int:
    from orchestration.access import accounts

    count = 0
    for listed in accounts.list_accounts(conn):
        count += 1
        state = {None: "no account", True: "first password", False: "password chosen"}
        told = state[listed.must_change] + (", locked" if listed.is_locked else "")
        print(
            f"{listed.login:<32} {listed.role:<10} {listed.company_id:<16} {told:<24}"
            f" {listed.sessions} sessions"
        )
    return end(OK, f"{count} active users.")


@contextmanager
def _connected(settings: Settings) -> Iterator[psycopg.Connection]:
    from orchestration.runs.bootstrap import open_database, prepare_home

    prepare_home(settings)
    with open_database(settings).connect(application="atendimento account") as conn:
        conn.autocommit = True
        yield conn
