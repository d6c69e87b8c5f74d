-- Row policies look up the session of the reader, whom the page's role could name itself before.

alter table access.session add column idle interval not null default '30 minutes';
comment on column access.session.idle is 'How long it lasts without requests.';
-- Search texts are kept in the memory of the lookup page only.
alter table access.session drop column searches;

create view access.live_session as
select token_hash, user_id, csrf, last_seen_at
from access.session
where
    revoked_at is null
    and expires_at > clock_timestamp()
    and last_seen_at > clock_timestamp() - idle;
comment on view access.live_session is 'Sessions that are neither revoked, expired nor idle.';

create function access.reader(out user_id text, out company_ids text[], out agent_id text)
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given constant text := current_setting('atendimento.session', true);
begin
    if given is null or given = '' then
        return;
    end if;
    select
        u.user_id,
        array(
            select u.company_id
            union
            select c.company_id from marts.user_company as c where c.user_id = u.user_id
        ),
        case when u.role <> 'manager' then u.user_id end
    into user_id, company_ids, agent_id
    from access.live_session as s
    inner join marts.app_user as u on u.user_id = s.user_id and u.active
    where s.token_hash = decode(given, 'hex');
end
$$;
comment on function access.reader() is
    'Who reads in this transaction, by the session that access.identify was given; nulls are '
    'nobody. The one place where a role becomes what may be seen (R14).';

create or replace function access.user_id() returns text
language sql stable parallel safe
return (access.reader()).user_id;
create or replace function access.companies() returns text[]
language sql stable parallel safe
return (access.reader()).company_ids;
create or replace function access.agent() returns text
language sql stable parallel safe
return (access.reader()).agent_id;

drop function access.identify(text);
create function access.identify(session bytea)
returns table (
    user_id text, login text, full_name text, role text, home_company_id text, company_ids text[]
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('atendimento.session', coalesce(encode(session, 'hex'), ''), true);
    return query
    select
        u.user_id, u.login, u.full_name, u.role, u.company_id,
        array(select c from unnest(reader.company_ids) as c order by c)
    from access.reader() as reader
    inner join marts.app_user as u on u.user_id = reader.user_id;
end
$$;
comment on function access.identify(bytea) is
    'Name the session of the reader, by the hash of its token, until the transaction ends: one '
    'row, or none when the session is not in force or its user not active, who then sees nothing.';

drop function access.user_of_login(text);
create function access.find_login(sought text)
returns table (user_id text, company_id text, active boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- As each reader: a publication between the snapshot and the names would hide all users.
    lock table marts.company in access share mode;
    return query
    select u.user_id, u.company_id, u.active from marts.app_user as u where u.login = sought;
end
$$;
comment on function access.find_login(text) is
    'The user of a login and their home company, for the sign-in.';
revoke all on function access.find_login(text) from public;

-- Failed sign-ins are counted by account and address, so that nobody else locks a user out.

drop table access.failed_sign_in;
create table access.sign_in_limit (
    source text not null,
    user_id text not null,
    failures real not null,
    locks integer not null,
    failed_at timestamptz not null,
    locked_until timestamptz not null,
    primary key (source, user_id)
);
create index sign_in_limit_by_time on access.sign_in_limit (failed_at);
comment on table access.sign_in_limit is
    'Failed sign-ins by source and account, and by source alone (user_id is empty then).';
comment on column access.sign_in_limit.source is
    'A network address, or a browser in which the user has signed in before.';
comment on column access.sign_in_limit.failures is 'Failures that still count; fewer with time.';
comment on column access.sign_in_limit.locks is
    'Locks one after the other, each twice as long as the one before.';
comment on column access.account.failed_attempts is
    'Unused since 0.5.0; `restore` of version 0.4.0 reads it.';
comment on column access.account.locked_until is
    'Unused since 0.5.0; `restore` of version 0.4.0 reads it.';

-- The access log is a hash chain.

alter table access.access_log alter column log_id drop identity;
alter table access.access_log add column hash bytea;
comment on column access.access_log.hash is
    'SHA-256 of the hash of the entry before and of this entry (access.log_entry_hash).';

create function access.log_entry_hash(previous bytea, entry access.access_log) returns bytea
language sql stable parallel safe
return sha256(previous || convert_to(cast(jsonb_build_array(
    entry.log_id, extract(epoch from entry.at), entry.user_id, entry.action, entry.company_id,
    entry.agenda_id, entry.client_id, entry.details
) as text), 'UTF8'));
comment on function access.log_entry_hash(bytea, access.access_log) is
    'The hash of an entry after the entry with the previous hash; the first follows an empty one.';

create table access.log_head (
    only_row boolean primary key default true check (only_row),
    log_id bigint not null,
    hash bytea not null
);
comment on table access.log_head is
    'The newest entry of the access log, so that its removal is seen too; one entry at a time.';

alter table access.access_log disable trigger only_added;
do $$
declare
    head access.log_head := row (true, 0, '');
    entry access.access_log;
begin
    for entry in select * from access.access_log order by log_id loop
        head.log_id := entry.log_id;
        head.hash := access.log_entry_hash(head.hash, entry);
        update access.access_log set hash = head.hash where log_id = entry.log_id;
    end loop;
    insert into access.log_head select head.*;
end
$$;
alter table access.access_log enable trigger only_added;
alter table access.access_log alter column hash set not null;

create function access.chain_entry() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    head access.log_head;
begin
    if new.action = 'entries_expired' and not pg_has_role(
        session_user, (select c.relowner from pg_class as c where c.oid = tg_relid), 'usage'
    ) then
        raise insufficient_privilege using
            message = 'Only access.forget_log, as called by the owner, says that entries expired.';
    end if;
    -- Until the transaction ends: entries are chained in the order in which they become visible.
    select * into strict head from access.log_head for update;
    new.log_id := head.log_id + 1;
    new.hash := access.log_entry_hash(head.hash, new);
    update access.log_head set log_id = new.log_id, hash = new.hash;
    return new;
end
$$;
comment on function access.chain_entry() is 'Gives a new entry of the access log its place.';
revoke all on function access.chain_entry() from public;
create trigger chained before insert on access.access_log
for each row execute function access.chain_entry();

create or replace function access.forget_log(older_than timestamptz) returns bigint
language plpgsql security definer
set search_path = access, pg_temp
as $$
declare
    last access_log;
    removed bigint;
begin
    perform from log_head for update;
    -- All entries before the first that stays, so that one chain is left.
    select * into last from access_log
    where log_id < all (
        select log_id from access_log where at >= older_than order by log_id limit 1
    )
    order by log_id desc limit 1;
    if not found then
        return 0;
    end if;
    perform set_config('atendimento.retention', 'on', true);
    delete from access_log where log_id <= last.log_id;
    get diagnostics removed = row_count;
    perform set_config('atendimento.retention', '', true);
    insert into access_log (action, details)
    select 'entries_expired', jsonb_build_object(
        'rows', cast(removed as text),
        'until', cast(last.log_id as text),
        'hash', encode(last.hash, 'hex')
    );
    return removed;
end
$$;
comment on function access.forget_log(timestamptz) is
    'Remove log rows older than the retention; an entry keeps the hash that the next row follows.';

-- Rights: no temporary tables and no large objects for the page's roles.

do $$
declare
    named record;
begin
    for named in
        select l.role_name from access.login as l
        join pg_roles as r on r.rolname = l.role_name where l.purpose = 'sign_in'
    loop
        execute format('revoke insert on access.access_log from %I', named.role_name);
    end loop;
end
$$;

create or replace function access.grant_rights() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    named record;
    relations text;
    routine regprocedure;
begin
    perform pg_advisory_xact_lock(7301845121);
    for named in
        select l.role_name, l.purpose from access.login as l
        join pg_roles as r on r.rolname = l.role_name
    loop
        -- Both are everybody's by default. The owner of the database keeps temporary tables.
        if has_database_privilege(named.role_name, current_database(), 'temporary') then
            begin
                execute format(
                    'revoke temporary on database %I from public, %I',
                    current_database(), named.role_name
                );
            exception when insufficient_privilege then null; -- the page's start tells
            end;
        end if;
        if (select rolsuper from pg_roles where rolname = current_user) then
            for routine in
                select p.oid from pg_proc as p
                where p.pronamespace = cast('pg_catalog' as regnamespace)
                    and (starts_with(p.proname, 'lo_') or p.proname in ('loread', 'lowrite'))
                    and has_function_privilege(named.role_name, p.oid, 'execute')
            loop
                execute format(
                    'revoke execute on function %s from public, %I', routine, named.role_name
                );
            end loop;
        end if;
        if named.purpose = 'sign_in' then
            execute format(
                'grant usage on schema access to %1$I;'
                'grant select, insert, update on access.account to %1$I;'
                'grant select, insert, update, delete on access.session, access.sign_in_limit to %1$I;'
                'grant select, insert, delete on access.openid_state to %1$I;'
                'grant select on access.live_session, access.access_log to %1$I;'
                'grant insert (user_id, action, company_id, agenda_id, client_id, details)'
                ' on access.access_log to %1$I;'
                'grant select (erased_at) on access.erased_client to %1$I;'
                'grant execute on function access.find_login(text) to %1$I',
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

select access.grant_rights();
