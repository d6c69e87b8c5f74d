"""The schema `access`: who is signed in, what they did, and the functions that row policies ask."""

from __future__ import annotations

import psycopg
from psycopg import sql

from orchestration.postgres.made import create_once
from orchestration.postgres.roles import PAGE, SIGN_IN

# Any number; whoever changes rights of the page holds it, so that two never do at once.
_LOCK = 7_301_845_121

_TABLES = """
create schema if not exists access;
comment on schema access is 'Who may read what, who is signed in, and what they did.';

create table if not exists access.login (
    role_name text primary key,
    purpose text not null check (purpose in ('page', 'sign_in'))
);
comment on table access.login is 'The roles of the lookup page, whether or not they exist.';

create table if not exists access.account (
    user_id text primary key,
    password_hash text not null,
    must_change boolean not null,
    failed_attempts integer not null default 0,
    locked_until timestamptz,
    changed_at timestamptz not null
);
comment on table access.account is 'Local passwords (Argon2id); who may sign in is delivered.';

create table if not exists access.session (
    token_hash bytea primary key,
    user_id text not null,
    csrf text not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    address text
);
alter table access.session add column if not exists sought text[] not null default '{{}}';
comment on column access.session.sought is
    'What was sought in this session, one after the other; nothing once it has ended.';
create index if not exists session_by_user on access.session (user_id);
comment on table access.session is 'Who is signed in; of the token only its hash is kept.';

create table if not exists access.attempt (
    address text,
    user_id text,
    at timestamptz not null
);
create index if not exists attempt_by_time on access.attempt (at);
create index if not exists attempt_by_address on access.attempt (address, at);
comment on table access.attempt is 'Sign-ins that failed, for as long as they count.';

create table if not exists access.openid_state (
    state_hash bytea primary key,
    browser_hash bytea not null,
    nonce text not null,
    verifier text not null,
    next_path text not null,
    expires_at timestamptz not null
);
create index if not exists openid_state_by_time on access.openid_state (expires_at);
comment on table access.openid_state is 'Sign-ins under way at an OpenID provider, for minutes.';

create table if not exists access.access_log (
    log_id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    user_id text,
    action text not null,
    company_id text,
    agenda_id text,
    client_id text,
    details jsonb
);
create index if not exists access_log_by_company on access.access_log (company_id, at);
create index if not exists access_log_by_time on access.access_log (at);
comment on table access.access_log is
    'Who saw or took what, when and why (LGPD). Rows are only ever added. No personal data.';

create table if not exists access.tombstone (
    client_id text primary key,
    erased_at timestamptz not null default clock_timestamp()
);
comment on table access.tombstone is
    'Clients whose personal data were erased: a later delivery does not bring them back.';

create table if not exists access.erased_contact (
    contact_id text primary key
);
comment on table access.erased_contact is
    'Passive contacts whose number was erased with their client.';

create table if not exists access.erased_secret (
    secret bytea primary key
);
comment on table access.erased_secret is 'What the hashes of erased numbers are keyed by.';

create table if not exists access.erased_number (
    number_hash bytea primary key,
    client_id text not null,
    erased_at timestamptz not null default clock_timestamp()
);
comment on table access.erased_number is
    'Hashes of erased clients'' phone numbers: what was told with them by then does not come back.';

create table if not exists access.to_compact (
    table_name text primary key
);
comment on table access.to_compact is
    'Tables changed by an erasure, whose files hold what was erased until they are rewritten.';
"""

_DEFAULT_LOGINS = """
insert into access.login (role_name, purpose) values ({page}, 'page'), ({sign_in}, 'sign_in')
on conflict (role_name) do update set purpose = excluded.purpose;
"""

_IDENTITY = """
create or replace function access.user_id() returns text
language sql stable parallel safe
return nullif(current_setting('atendimento.user_id', true), '');
comment on function access.user_id() is 'Who reads, in this transaction; null is nobody.';

create or replace function access.companies() returns text[]
language sql stable parallel safe
return cast(nullif(current_setting('atendimento.companies', true), '') as text[]);
comment on function access.companies() is
    'The companies the reader may see, in this transaction (R14); null is none.';

create or replace function access.agent() returns text
language sql stable parallel safe
return nullif(current_setting('atendimento.agent', true), '');
comment on function access.agent() is
    'The agent whose agendas alone the reader may see (R14); null is all of their companies.';

create or replace function access.identify(sought_user_id text)
returns table (
    user_id text, login text, full_name text, role text, home_company_id text, company_ids text[]
)
language plpgsql volatile security definer
set search_path = marts, pg_temp
as $$
#variable_conflict use_column
declare
    is_known boolean;
begin
    select
        u.user_id, u.login, u.full_name, u.role, u.company_id,
        array(
            select u.company_id
            union
            select c.company_id from user_company as c where c.user_id = u.user_id
            order by 1
        )
    into user_id, login, full_name, role, home_company_id, company_ids
    from app_user as u
    where u.user_id = sought_user_id and u.active;
    is_known := found;
    perform
        set_config('atendimento.user_id', coalesce(identify.user_id, ''), true),
        set_config('atendimento.companies', coalesce(cast(identify.company_ids as text), ''), true),
        set_config(
            'atendimento.agent',
            case when identify.role = 'manager' then '' else coalesce(identify.user_id, '') end,
            true
        );
    if is_known then
        return next;
    end if;
end
$$;
comment on function access.identify(text) is
    'Say who reads, until the transaction ends: one row, or none for who is not there or not '
    'active, to whom nothing is visible. The one place where a role becomes what may be seen.';

create or replace function access.user_of_login(sought_login text) returns text
language plpgsql stable security definer
set search_path = marts, pg_temp
as $$
begin
    return (select u.user_id from app_user as u where u.login = sought_login and u.active);
end
$$;
comment on function access.user_of_login(text) is 'The active user of a login, for the sign-in.';
"""

_LOG = """
create or replace function access.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('atendimento.retention', true) = 'on' then
        return null;
    end if;
    raise insufficient_privilege using
        message = 'Rows of access.access_log are only ever added.',
        hint = 'access.forget_log(before) removes what is older than its retention.';
end
$$;
create or replace trigger only_added before update or delete or truncate on access.access_log
for each statement execute function access.refuse_change();
create or replace function access.forget_log(older_than timestamptz) returns bigint
language plpgsql security definer
set search_path = access, pg_temp
as $$
declare
    removed bigint;
begin
    perform set_config('atendimento.retention', 'on', true);
    delete from access_log where at < older_than;
    get diagnostics removed = row_count;
    perform set_config('atendimento.retention', '', true);
    return removed;
end
$$;
comment on function access.forget_log(timestamptz) is 'Remove log rows older than the retention.';
revoke all on function access.forget_log(timestamptz) from public;
"""

_HISTORY = """
alter table history.totalizer_history enable row level security;
alter table history.totalizer_history force row level security;
drop policy if exists owner on history.totalizer_history;
create policy owner on history.totalizer_history to current_user using (true);
drop policy if exists reader on history.totalizer_history;
create policy reader on history.totalizer_history for select using (
    company_id = any(cast((select access.companies()) as text[]))
    and (select access.agent()) is null
);
"""

# Rights follow the roles that exist by now. A table without a policy for readers is never granted.
_RIGHTS = """
create or replace function access.grant_rights() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    named record;
    relations text;
begin
    perform pg_advisory_xact_lock({lock});
    for named in
        select l.role_name, l.purpose from access.login as l
        join pg_roles as r on r.rolname = l.role_name
    loop
        if named.purpose = 'sign_in' then
            execute format(
                'grant usage on schema access to %1$I;'
                'grant select, insert, update on access.account to %1$I;'
                'grant select, insert, update, delete on access.session to %1$I;'
                'grant select, insert, delete on access.attempt, access.openid_state to %1$I;'
                'grant select, insert on access.access_log to %1$I',
                named.role_name
            );
            continue;
        end if;
        execute format('grant usage on schema access, history to %I', named.role_name);
        execute format('grant select on history.totalizer_history to %I', named.role_name);
        if to_regnamespace('marts_previous') is not null then
            execute format('revoke usage on schema marts_previous from %I', named.role_name);
        end if;
        continue when to_regnamespace('marts') is null;
        execute format('grant usage on schema marts to %I', named.role_name);
        select string_agg(format('%I.%I', 'marts', c.relname), ', ') into relations
        from pg_class as c
        where c.relnamespace = 'marts'::regnamespace
            and not has_table_privilege(named.role_name, c.oid, 'select')
            and (
                c.relkind = 'v' and 'security_invoker=true' = any(c.reloptions)
                or c.relkind = 'r' and c.relrowsecurity and c.relforcerowsecurity and exists (
                    select from pg_policy as p where p.polrelid = c.oid and 0 = any(p.polroles)
                )
            );
        if relations is not null then
            execute format('grant select on %s to %I', relations, named.role_name);
        end if;
    end loop;
end
$$;
comment on function access.grant_rights() is
    'Give the roles of the lookup page their rights, as far as the roles exist.';
revoke all on function access.grant_rights() from public;
"""


def create_access_schema(conn: psycopg.Connection) -> None:
    """Make what is not there yet, or not as it should be. Safe to call at every start."""
    parts = (_TABLES, _DEFAULT_LOGINS, _IDENTITY, _LOG, _HISTORY, _RIGHTS)
    # The owner is told, since the policy on `history` names them.
    whose = f"select pg_advisory_xact_lock({_LOCK}), {{owner}};"
    statements = sql.SQL("".join((whose, *parts))).format(
        owner=conn.info.user, lock=_LOCK, page=PAGE, sign_in=SIGN_IN
    )
    create_once(conn, "access", statements.as_string(conn))
    grant_rights(conn)


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
