-- Tables and columns get names that say what they hold.

drop table if exists ops.made;
drop schema if exists arriving cascade;

alter table ops.tidied rename to retention_run;
alter table ops.retention_run rename column tidied_at to finished_at;
alter table ops.retention_run rename constraint tidied_pkey to retention_run_pkey;
alter table ops.retention_run
    rename constraint tidied_only_row_check to retention_run_only_row_check;
comment on table ops.retention_run is 'When runs, logs and results past their age were last removed.';

alter table ops.backfill_under_way rename to backfill_in_progress;
alter table ops.backfill_in_progress rename column is_again to is_forced;
alter table ops.backfill_in_progress rename column began_at to started_at;
comment on table ops.backfill_in_progress is
    'The backfill that has started and not finished, one row at most; the next call continues it.';

create table ops.notification (
    alarm_id bigint not null references ops.alarm on delete cascade,
    channel text not null,
    told_at timestamptz,
    ended_told_at timestamptz,
    failing_since timestamptz,
    failure text not null default '',
    primary key (alarm_id, channel)
);
comment on table ops.notification is
    'One row an alarm and recipient: when it was told, and why it could not be.';
comment on column ops.notification.channel is
    'How the recipient is reached, and a digest of the address, which is not stored.';
comment on column ops.notification.failing_since is 'Null once the recipient was told anything.';
insert into ops.notification (alarm_id, channel, told_at, ended_told_at)
select alarm_id, channel, told_at, ended_told_at from ops.alarm_telling;
drop table ops.alarm_telling, ops.notify_channel;
alter index ops.alarm_under_way rename to alarm_active;

alter table ops.watermark rename column whole_at to full_refresh_at;
alter table ops.delivery rename column is_for_now to is_retryable;
comment on column ops.delivery.is_retryable is
    'Refused for lack of what another delivery may bring; tried again after that one.';

alter table access.tombstone rename to erased_client;
alter table access.erased_client rename constraint tombstone_pkey to erased_client_pkey;
-- `restore` of version 0.3.0, the way back to it, asks the present database by this name.
create view access.tombstone as select client_id, erased_at from access.erased_client;
comment on view access.tombstone is 'access.erased_client, for the restore of version 0.3.0.';

alter table access.session rename column sought to searches;
comment on column access.session.searches is
    'The searches of this session, in their order; empty once it has ended.';

alter table access.attempt rename to failed_sign_in;
alter index access.attempt_by_time rename to failed_sign_in_by_time;
alter index access.attempt_by_address rename to failed_sign_in_by_address;
comment on table access.failed_sign_in is 'Failed sign-ins, for as long as they count.';

alter table access.to_compact rename to pending_vacuum;
alter table access.pending_vacuum rename constraint to_compact_pkey to pending_vacuum_pkey;
comment on table access.pending_vacuum is
    'Tables whose files hold erased rows until `vacuum full` rewrites them.';

-- The owner is whoever owns the table: a dump may be restored under another role.
drop policy owner on history.totalizer_history;
create policy owner on history.totalizer_history using (
    (
        select pg_has_role(c.relowner, 'usage') from pg_class as c
        where c.oid = 'history.totalizer_history'::regclass
    )
);

create or replace function access.grant_rights() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    named record;
    relations text;
begin
    perform pg_advisory_xact_lock(7301845121);
    for named in
        select l.role_name, l.purpose from access.login as l
        join pg_roles as r on r.rolname = l.role_name
    loop
        if named.purpose = 'sign_in' then
            execute format(
                'grant usage on schema access to %1$I;'
                'grant select, insert, update on access.account to %1$I;'
                'grant select, insert, update, delete on access.session to %1$I;'
                'grant select, insert, delete on access.failed_sign_in, access.openid_state to %1$I;'
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

select access.grant_rights();
