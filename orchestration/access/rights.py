"""The names and rights of the lookup page's roles, as the schema `access` keeps them."""

from __future__ import annotations

import psycopg

from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.settings import Settings


def register_login(conn: psycopg.Connection, role: str, purpose: str) -> None:
    """Remember the name of a role of the page; its rights follow with `grant_rights`."""
    conn.execute(
        "insert into access.login (role_name, purpose) values (%s, %s)"
        " on conflict (role_name) do update set purpose = excluded.purpose",
        [role, purpose],
    )


def grant_rights(conn: psycopg.Connection) -> None:
    """Give the roles of the page their rights on what is there and published by now."""
    conn.execute("select access.grant_rights()")


def restrict_roles(settings: Settings, database: Database) -> None:
    """Give the roles their rights, and take temporary tables and large objects from them.

    Only a superuser may withdraw large objects, which a new database gives to everybody: on the
    embedded server this is done as such, elsewhere as far as the database's user may.
    """
    administrator = None if settings.database_url else embedded.SUPERUSER
    with database.named(database.parts["dbname"], administrator).connect() as conn:
        grant_rights(conn)
