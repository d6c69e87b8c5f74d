"""The names and rights of the lookup page's roles, as the schema `access` keeps them."""

from __future__ import annotations

import psycopg


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
