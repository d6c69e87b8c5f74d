"""The page's two logins: what they may, and that whatever would widen it is seen before serving."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from tests_database import home_settings

from orchestration.access import roles
from orchestration.access.roles import page_role_faults
from orchestration.errors import DatabaseError
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE
from tests.integration.access.conftest import Published
from tests.reader_sessions import identify


def faults(published: Published) -> list[str]:
    with published.logins.page.connect() as conn:
        return page_role_faults(conn)


def test_the_page_as_it_is_has_no_fault(published: Published) -> None:
    assert faults(published) == []


@pytest.mark.parametrize(
    ("plant", "what", "fault"),
    [
        (
            "create view marts.planted as select * from marts.client",
            "view",
            "marts.planted is readable and has no row policy: a view without security_invoker",
        ),
        (
            "create materialized view marts.planted as select * from marts.client",
            "materialized view",
            "marts.planted is readable and has no row policy: a materialized view",
        ),
        (
            "create table marts.planted as select * from marts.client",
            "table",
            "marts.planted is readable and has no row policy: a table that does not force one",
        ),
        (
            "create table marts.planted (x int); alter table marts.planted"
            " enable row level security",
            "table",
            "marts.planted is readable and has no row policy: a table that does not force one",
        ),
        (
            "create table history.planted (x int)",
            "table",
            "history.planted is readable and has no row policy: a table that does not force one",
        ),
    ],
)
def test_a_relation_without_a_policy_is_seen(
    published: Published, plant: str, what: str, fault: str
) -> None:
    name = "history.planted" if "history" in plant else "marts.planted"
    with published.database.connect() as owner:
        owner.execute(f"{plant}; grant select on {name} to {PAGE}".encode())
        owner.commit()
        try:
            assert faults(published) == [fault]
            # The rights that follow a publication are never given to it.
            owner.execute(f"revoke select on {name} from {PAGE}".encode())
            owner.execute("select access.grant_rights()")
            owner.commit()
            assert faults(published) == []
        finally:
            owner.rollback()
            owner.execute(f"drop {what} {name}".encode())


def test_rights_to_write_and_functions_of_the_owner_are_seen(published: Published) -> None:
    with published.database.connect() as owner:
        owner.execute(
            f"grant update (name) on marts.client to {PAGE};"
            " create function marts.planted() returns bigint language sql security definer"
            " as 'select 1::bigint'".encode()
        )
        owner.commit()
        try:
            assert faults(published) == [
                "marts.planted() runs with the rights of its owner",
                "the role may write to marts.client",
            ]
        finally:
            owner.execute(
                f"revoke update (name) on marts.client from {PAGE};"
                " drop function marts.planted()".encode()
            )


@pytest.mark.parametrize(
    ("right", "fault"),
    [
        ("temporary on database {}", "may create temporary tables: .*revoke temporary on database"),
        (
            "execute on function lo_create(oid)",
            "may store large objects: .*revoke execute on function lo_create",
        ),
    ],
)
@pytest.mark.parametrize("to", ["public", PAGE])
def test_temporary_tables_and_large_objects_are_seen_and_taken_away(
    published: Published,
    maintenance: psycopg.Connection,
    right: str,
    fault: str,
    to: str,
) -> None:
    name = published.database.parts["dbname"]
    superuser = published.database.named(name, maintenance.info.user)
    with superuser.connect() as conn:
        conn.execute(f"grant {right.format(name)} to {to}".encode())
    (found,) = faults(published)
    assert re.search(fault, found)
    roles.page_logins(home_settings(published.home), published.database)
    assert faults(published) == []


def test_the_owner_and_a_superuser_are_not_fit_to_serve(
    published: Published, maintenance: psycopg.Connection
) -> None:
    with published.database.connect() as owner:
        assert "marts.client belongs to the role" in page_role_faults(owner)
    assert any(" is a superuser" in fault for fault in page_role_faults(maintenance))


def test_every_published_table_forces_a_policy(published: Published) -> None:
    with published.database.connect() as owner:
        without = owner.execute(
            "select relname from pg_class where relnamespace = 'marts'::regnamespace"
            " and relkind = 'r' and not (relrowsecurity and relforcerowsecurity and exists"
            " (select from pg_policy where polrelid = pg_class.oid and polname = 'owner'))"
        ).fetchall()
    assert without == []


def test_the_sign_in_reads_nothing_published(published: Published) -> None:
    for table in (
        "marts.app_user",
        "raw.client",
        "access.erased_client",
        "history.totalizer_history",
    ):
        with (
            published.logins.sign_in.connect() as conn,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            conn.execute(f"select * from {table}".encode())


def test_the_log_is_only_ever_added_to(published: Published) -> None:
    with published.logins.sign_in.connect() as conn:
        conn.execute("insert into access.access_log (user_id, action) values ('u', 'opened')")
        conn.commit()
        for change in (
            "insert into access.access_log (at, action) values ('2000-01-01', 'opened')",
            "insert into access.access_log (action, hash) values ('opened', '')",
            "insert into access.access_log (action) values ('entries_expired')",
            "update access.log_head set log_id = 0",
            "update access.access_log set user_id = 'v'",
            "delete from access.access_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(change.encode())
    with published.database.connect() as owner:
        for change in (
            "update access.access_log set user_id = 'v'",
            "delete from access.access_log",
            "truncate access.access_log",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added"),
                owner.transaction(),
            ):
                owner.execute(change.encode())
        forget = "select access.forget_log(clock_timestamp() + %s::interval)"
        assert owner.execute(forget, ["-1 hour"]).fetchone() == (0,)
        assert owner.execute(forget, ["1 hour"]).fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
            owner.execute("delete from access.access_log")


def test_a_role_that_may_not_be_made_is_asked_for_by_name(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "PAGE", "atendimento_unheard_of")
    with pytest.raises(DatabaseError, match="ATENDIMENTO_LOOKUP_DATABASE_URL"):
        roles.page_logins(home_settings(tmp_path), published.database)


def test_roles_are_made_where_that_is_allowed(
    published: Published,
    postgres: Database,
    maintenance: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = {"PAGE": "atendimento_made_page", "SIGN_IN": "atendimento_made_sign_in"}
    for constant, role in named.items():
        monkeypatch.setattr(roles, constant, role)
    user = maintenance.info.user
    superuser = published.database.named(published.database.parts["dbname"], user)
    try:
        made = roles.page_logins(home_settings(tmp_path), superuser)
        again = roles.page_logins(home_settings(tmp_path), superuser)
        assert made == again
        assert made.page.parts["user"] == named["PAGE"]
        assert len(made.page.parts["password"]) > 30
        assert (tmp_path / "lookup-logins.json").stat().st_mode & 0o777 == 0o600
        with made.page.connect() as conn:
            assert page_role_faults(conn) == []
            identify(conn, published.database, published.readers["manager"].user_id)
            assert conn.execute("select from marts.agenda_status limit 1").fetchall()
    finally:
        with superuser.connect() as conn:
            for role in named.values():
                conn.execute(f"delete from access.login where role_name = '{role}'".encode())
                conn.execute(f"drop owned by {role}; drop role {role}".encode())
