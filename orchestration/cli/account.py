"""`atendimento account set|list|revoke`: local accounts of the lookup page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from orchestration.access.accounts import AccountUser

User = Annotated[str, typer.Argument(metavar="USER", help="The login or the user id.")]

account = typer.Typer(
    help="Manage local accounts of the lookup page.", no_args_is_help=True, rich_markup_mode=None
)


@account.command("set")
def set_first_password(user: User) -> None:
    """Give a user a first password, to be changed at the next sign-in."""
    from orchestration.access import accounts

    with _connected() as conn:
        person = _person(conn, user)
        if not person.active:
            raise UsageError(f"{person.login} is not active. Nothing was changed.")
        print(accounts.give_first_password(conn, person.user_id, person.company_id))
    print(
        f"The line above is the first password of {person.login}. It is not kept, and expires "
        "after 72 hours."
    )


@account.command()
def revoke(user: User) -> None:
    """End a user's sessions and withdraw the password."""
    from orchestration.access import accounts

    with _connected() as conn:
        person = _person(conn, user)
        ended = accounts.revoke_account(conn, person.user_id, person.company_id)
    print(f"{person.login}: password withdrawn, {ended} sessions ended.")


@account.command("list")
def list_accounts() -> None:
    """List active users and their accounts."""
    from orchestration.access import accounts

    count = 0
    with _connected() as conn:
        for listed in accounts.list_accounts(conn):
            count += 1
            state = {None: "no account", True: "first password", False: "password chosen"}
            said = state[listed.must_change] + (", expired" if listed.is_expired else "")
            said += ", locked somewhere" if listed.is_locked else ""
            print(
                f"{listed.login:<32} {listed.role:<10} {listed.company_id:<16} {said:<24}"
                f" {listed.sessions} sessions"
            )
    print(f"{count} active users.")


def _person(conn: psycopg.Connection, user: str) -> AccountUser:
    from orchestration.access import accounts

    person = accounts.find_user(conn, user)
    if person is None:
        raise UsageError(
            "There is no such user in what is published; users come with the delivery. "
            "Nothing was changed."
        )
    return person


@contextmanager
def _connected() -> Iterator[psycopg.Connection]:
    from orchestration.runs.bootstrap import open_database, prepare_home
    from orchestration.settings import load_settings

    settings = load_settings()
    prepare_home(settings)
    with open_database(settings).connect(application="atendimento account") as conn:
        conn.autocommit = True
        yield conn
