"""The lookup page's own logins: which addresses it uses, and whether its role is fit to serve."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from orchestration.access import rights
from orchestration.errors import DatabaseError
from orchestration.folders import write_whole
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE, SIGN_IN
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True)
class Logins:
    """How the page reads what is published, and how it keeps accounts, sessions and the log."""

    page: Database
    sign_in: Database


def page_logins(settings: Settings, database: Database) -> Logins:
    """The page's two logins, their rights in place; made here where that is allowed.

    Named by settings, or the roles of the usual names. Raises DatabaseError when one of them does
    not exist and may not be made, or does not get in.
    """
    secrets_file = settings.home / "lookup-logins.json"
    given = {
        PAGE: settings.lookup_database_url,
        SIGN_IN: settings.sign_in_database_url,
    }
    with database.connect() as conn:
        conn.autocommit = True
        found = {
            role: Database(url) if url else _usual(conn, database, role, secrets_file)
            for role, url in given.items()
        }
        with conn.transaction():
            for role, purpose in ((PAGE, "page"), (SIGN_IN, "sign_in")):
                rights.register_login(conn, found[role].parts.get("user", role), purpose)
            rights.grant_rights(conn)
    for login in found.values():
        login.connect(application="atendimento lookup").close()
    return Logins(found[PAGE], found[SIGN_IN])


def _usual(conn: psycopg.Connection, database: Database, role: str, secrets_file: Path) -> Database:
    """The role of the usual name: there already, or made with a password kept in the home."""
    password = _passwords(secrets_file).get(role)
    login = Database(make_conninfo(database.url, user=role, password=password or ""))
    if conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
        try:
            login.connect(application="atendimento lookup").close()
        except DatabaseError as error:
            raise DatabaseError(
                f"The role {role} is there on {database.label} and does not get in. "
                + _how_to_name(role)
            ) from error
        return login
    password = secrets.token_urlsafe(32)
    _keep_password(secrets_file, role, password)
    try:
        conn.execute(
            sql.SQL("create role {} login noinherit password {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseError(
            f"The lookup page needs a role {role} of its own on {database.label}, and the user "
            "there may not create roles. " + _how_to_name(role)
        ) from None
    return Database(make_conninfo(database.url, user=role, password=password))


def _how_to_name(role: str) -> str:
    name = "ATENDIMENTO_LOOKUP_DATABASE_URL" if role == PAGE else "ATENDIMENTO_SIGN_IN_DATABASE_URL"
    return (
        "Let an administrator make a role (`create role … login nosuperuser nobypassrls "
        f"noinherit password '…'`) and name its address in {name}. Nothing is served."
    )


def _passwords(secrets_file: Path) -> dict[str, str]:
    try:
        return dict(json.loads(secrets_file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def _keep_password(secrets_file: Path, role: str, password: str) -> None:
    write_whole(secrets_file, json.dumps(_passwords(secrets_file) | {role: password}), 0o600)


# These answer for nobody but the reader whom the transaction names, and have a fixed search_path.
_KNOWN_FUNCTIONS = ("access.identify", "access.user_of_login", "marts.search")

# What the server and its extensions bring, and what this session made for itself, is not ours.
_OURS = """
    n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%'
    and not exists (
        select from pg_depend as d
        where d.classid = '{catalogue}'::regclass and d.objid = {oid} and d.deptype = 'e'
    )
"""
_FAULTS = f"""
select format('the role %I is a superuser', rolname) from pg_roles
where rolname = current_user and rolsuper
union all
select format('the role %I bypasses row policies', rolname) from pg_roles
where rolname = current_user and rolbypassrls
union all
select format('the role %I may create roles or databases', rolname) from pg_roles
where rolname = current_user and (rolcreaterole or rolcreatedb)
union all
select format('the role may become %I', rolname) from pg_roles
where rolname <> current_user and pg_has_role(current_user, oid, 'member')
union all
select format('%s belongs to the role', c.oid::regclass)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_get_userbyid(c.relowner) = current_user
    and {_OURS.format(catalogue="pg_class", oid="c.oid")}
union all
select format('the role may write to %s', c.oid::regclass)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (
        has_any_column_privilege(c.oid, 'insert, update')
        or has_table_privilege(c.oid, 'insert, update, delete, truncate')
    )
    and {_OURS.format(catalogue="pg_class", oid="c.oid")}
union all
select format('the role may create objects in the schema %I', n.nspname)
from pg_namespace as n
where has_schema_privilege(n.oid, 'create')
    and {_OURS.format(catalogue="pg_namespace", oid="n.oid")}
union all
select format(
    '%s is readable and has no row policy: %s', c.oid::regclass,
    case c.relkind
        when 'v' then 'a view without security_invoker'
        when 'm' then 'a materialized view'
        when 'f' then 'a foreign table'
        else 'a table that does not force one'
    end
)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and has_schema_privilege(n.oid, 'usage')
    and has_any_column_privilege(c.oid, 'select')
    and not coalesce(
        case c.relkind
            when 'v' then 'security_invoker=true' = any(c.reloptions)
            when 'r' then c.relrowsecurity and c.relforcerowsecurity
            when 'p' then c.relrowsecurity and c.relforcerowsecurity
            else false
        end,
        false
    )
    and {_OURS.format(catalogue="pg_class", oid="c.oid")}
union all
select format('%s runs with the rights of its owner', p.oid::regprocedure)
from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
where p.prosecdef
    and has_schema_privilege(n.oid, 'usage')
    and has_function_privilege(p.oid, 'execute')
    and not (
        format('%s.%s', n.nspname, p.proname) in {_KNOWN_FUNCTIONS}
        and p.proconfig is not null
    )
    and {_OURS.format(catalogue="pg_proc", oid="p.oid")}
order by 1
"""  # noqa: S608 — its parts are constants of this module


def page_role_faults(conn: psycopg.Connection) -> list[str]:
    """What would let the role of this connection see or change more than a page may.

    Empty is good; the page must not be served otherwise. Tells names of relations and roles only.
    """
    return [str(fault) for (fault,) in conn.execute(_FAULTS.encode())]
