-- Up to 0.4.0 ids kept the white space around them, and other texts had any length: one that is too
-- long for an index stopped every build. Stored rows become what a load makes of them now. Ids are the
-- columns with the collation "C".

create function pg_temp.trimmed(value text) returns text language sql immutable
return nullif(btrim(value, e' \t\n\u000b\f\r\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u2000\u2001\u2002'
    || e'\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'), '');

-- How many characters a text column of a table may have.
create function pg_temp.longest(column_name text, is_id boolean) returns integer
language sql immutable
return case
    when is_id then 64 when column_name in ('note', 'label', 'error_message') then 2000 else 254
end;

create temp table text_column on commit drop as
select
    cast(c.relname as text) as table_name,
    cast(a.attname as text) as name,
    a.attnum as number,
    a.attcollation = '"C"'::regcollation as is_id,
    a.attnotnull as is_required,
    pg_temp.longest(a.attname, a.attcollation = '"C"'::regcollation) as longest
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'raw'::regnamespace and c.relkind = 'r' and a.atttypid = 'text'::regtype;

-- An id that was too long because of the white space around it is tried again at the next load.
update raw.rejected_row
set reason = 'unknown_reference'
where reason = 'too_long' and jsonb_typeof(row_as_delivered) = 'object'
    and length(pg_temp.trimmed(row_as_delivered ->> column_name)) <= 64;

-- Set the rows of a table aside that `verdict` names; nothing is parked but what waits for a row.
create function pg_temp.set_aside(of_table text) returns void language plpgsql as $$
begin
    execute format($sql$
        insert into raw.rejected_row
            (delivery_id, table_name, file_name, line, column_name, reason, row_as_delivered)
        select
            f.delivery_id, %1$L, coalesce(d.file_name, ''), 0, v.column_name, v.reason,
            (
                select jsonb_object_agg(e.key, left(e.value, 1000000))
                from jsonb_each_text(
                    to_jsonb(f) - array['nth', 'delivery_id'] - cast(%2$L as text[])
                ) as e
            )
        from verdict as v
        inner join former as f on f.nth = v.nth
        left join ops.delivery_file as d
            on d.delivery_id = f.delivery_id and d.table_name = %1$L
        where v.reason <> 'known'
        order by v.nth
        $sql$,
        of_table,
        case when of_table in ('dispatch', 'booking', 'reply', 'call_attempt')
            then '{company_id}' else '{}' end
    );
end
$$;

-- Store the rows of a table again, in the order in which they came. Within a delivery that is the
-- order of the file; a database has none, and its greater row is the later one (R1).
create function pg_temp.store_again(
    of_table text, key text[], parent text, company_from text, entities jsonb
) returns void language plpgsql as $$
declare
    is_entity constant boolean := entities is not null;
    all_columns text;
    own_columns text;
    as_text text;
    trimmed_columns text;
    faults text;
    keys constant text := array_to_string(key, ', ');
    version constant text := keys || case when is_entity then ', updated_at' else '' end;
    reference record;
begin
    select
        string_agg(quote_ident(a.attname), ', ' order by a.attnum),
        string_agg(quote_ident(a.attname), ', ' order by a.attnum)
            filter (where not (company_from is not null and a.attname = 'company_id')),
        string_agg(
            format(
                'case when not is_file then %s end collate "C" nulls first',
                format(
                    case when t.is_id then 'pg_temp.trimmed(%I)' else 'cast(%I as text)' end,
                    a.attname
                )
            ),
            ', ' order by a.attnum
        ),
        string_agg(
            case
                when t.is_id then format('pg_temp.trimmed(%1$I) as %1$I', a.attname)
                when t.longest = 2000 or t.longest is not null and not is_entity
                    then format('left(%1$I, %2$s) as %1$I', a.attname, t.longest)
                else quote_ident(a.attname)
            end,
            ', ' order by a.attnum
        ),
        coalesce('coalesce(' || string_agg(
            case
                when t.is_id and t.is_required then format(
                    'case when pg_temp.trimmed(%1$I) is null then %2$L end', a.attname,
                    a.attname || ':missing_' || case when a.attname = any(key) then 'key' else 'value' end
                )
                when t.longest = 254 and is_entity then format(
                    'case when length(%1$I) > 254 then %2$L end', a.attname, a.attname || ':too_long'
                )
            end,
            ', ' order by a.attnum
        ) || ')', 'null')
    into all_columns, own_columns, as_text, trimmed_columns, faults
    from pg_attribute as a
    left join text_column as t on t.table_name = of_table and t.name = a.attname
    where a.attrelid = format('raw.%I', of_table)::regclass and a.attnum > 0 and not a.attisdropped;

    execute format($sql$
        create temp table former on commit drop as
        select
            row_number() over (
                order by delivery_id, case when is_file then place end, %2$s
            ) as nth,
            %3$s
        from (
            select
                r.*, r.ctid as place,
                coalesce(d.file_name ~ '\.(csv|csv\.gz|parquet)$', false) as is_file
            from raw.%1$I as r
            left join ops.delivery_file as d
                on d.delivery_id = r.delivery_id and d.table_name = %1$L
        ) as r
        $sql$, of_table, as_text, all_columns);
    execute format(
        'create temp table verdict on commit drop as'
        ' select nth, split_part(fault, '':'', 1) as column_name, split_part(fault, '':'', 2) as reason'
        ' from (select nth, cast(%s as text) as fault from former) as f where fault is not null',
        faults
    );
    execute format(
        'create temp table fresh on commit drop as select nth, %s from former'
        ' where nth not in (select nth from verdict)',
        trimmed_columns
    );
    create unique index on fresh (nth);
    execute format('create index on fresh (%s)', keys);
    analyze fresh;
    -- What it refers to may have been set aside.
    for reference in select r.key as name, r.value as other from jsonb_each_text(entities) as r loop
        execute format($sql$
            with gone as (
                delete from fresh as f
                where f.%1$I is not null
                    and not exists (select from raw.%2$I as o where o.%3$I = f.%1$I)
                returning nth
            )
            insert into verdict select nth, %1$L, 'unknown_reference' from gone
            $sql$,
            reference.name, reference.other, reference.other || '_id'
        );
        continue when of_table <> 'passive_contact';
        execute format($sql$
            with gone as (
                delete from fresh as f
                where f.%1$I is not null and not exists (
                    select from raw.%2$I as o where o.%3$I = f.%1$I and o.company_id = f.company_id
                )
                returning nth
            )
            insert into verdict select nth, %1$L, 'company_mismatch' from gone
            $sql$, reference.name, reference.other, reference.other || '_id');
    end loop;
    if parent is not null then
        execute format($sql$
            with gone as (
                delete from fresh as f using (
                    select
                        nth, %2$I as parent,
                        first_value(%2$I) over (partition by %1$s order by nth) as first_parent
                    from fresh
                ) as p
                where f.nth = p.nth and p.parent <> p.first_parent
                returning f.nth
            )
            insert into verdict select nth, %2$L, 'parent_changed' from gone
            $sql$, keys, parent);
    end if;
    -- Of one version, the row stored first stands; of one delivery, the later.
    execute format($sql$
        with ranked as (
            select
                f as version_row, f.nth,
                first_value(f.nth) over (
                    partition by %1$s order by f.delivery_id, f.nth desc
                ) as standing
            from fresh as f
        ),

        gone as (
            delete from fresh as f using ranked as r inner join fresh as s on s.nth = r.standing
            where f.nth = r.nth and r.nth <> r.standing
            returning
                f.nth,
                (to_jsonb(f) - array['nth', 'delivery_id']) = (to_jsonb(s) - array['nth', 'delivery_id'])
                    as is_same
        )

        insert into verdict
        select nth, null, case when is_same then 'known' else %2$L end from gone
        $sql$, version, case when is_entity then 'duplicate_version' else 'duplicate_key' end);

    execute format('truncate raw.%I', of_table);
    if company_from is null then
        execute format(
            'insert into raw.%1$I (%2$s) select %2$s from fresh order by nth', of_table, own_columns
        );
    else
        execute format($sql$
            insert into raw.%1$I (company_id, %2$s)
            select o.company_id, %2$s
            from (select distinct %4$s, company_id from raw.%3$I) as o (%4$s, company_id)
            inner join (select nth, %2$s from fresh) as f using (%4$s)
            order by f.nth
            $sql$, of_table, own_columns, company_from, company_from || '_id');
    end if;
    perform pg_temp.set_aside(of_table);
    execute format('analyze raw.%I', of_table);
    drop table former, verdict, fresh;
end
$$;

do $migration$
declare
    found record;
    changed text[] := '{}';
    is_changed boolean;
begin
    for found in
        select
            source.*,
            (
                select string_agg(
                    case
                        when c.is_id then format('%1$I <> coalesce(pg_temp.trimmed(%1$I), '''')', c.name)
                        else format('length(%I) > %s', c.name, c.longest)
                    end,
                    ' or '
                )
                from text_column as c where c.table_name = source.name
            ) as is_wrong
        from (
            values
            ('company', array['company_id'], null, null, null),
            ('app_user', array['user_id'], null, null, null),
            ('user_company', array['user_id', 'company_id'], null, null, null),
            ('team', array['team_id'], null, null, null),
            ('campaign', array['campaign_id'], null, null, null),
            ('event_type', array['event_type_id'], null, null, null),
            ('loss_reason', array['loss_reason_id'], null, null, null),
            ('chatbot_option', array['option_id'], null, null, null),
            ('client', array['client_id'], null, null, '{}'::jsonb),
            ('vehicle', array['vehicle_id'], null, null, '{"client_id": "client"}'),
            (
                'agenda', array['agenda_id'], 'company_id', null,
                '{"client_id": "client", "vehicle_id": "vehicle"}'
            ),
            ('dispatch', array['dispatch_id'], 'agenda_id', 'agenda', '{"agenda_id": "agenda"}'),
            ('booking', array['booking_id'], 'agenda_id', 'agenda', '{"agenda_id": "agenda"}'),
            ('reply', array['reply_id'], 'dispatch_id', 'dispatch', '{"dispatch_id": "dispatch"}'),
            (
                'passive_contact', array['contact_id'], null, null,
                '{"agenda_id": "agenda", "booking_id": "booking"}'
            ),
            ('call_attempt', array['attempt_id'], 'agenda_id', 'agenda', '{"agenda_id": "agenda"}')
        ) as source (name, key, parent, company_from, entities)
    loop
        execute format('select exists (select from raw.%I where %s)', found.name, found.is_wrong)
        into is_changed;
        -- Rows that refer to changed ones may have to wait for them, or change their company.
        if is_changed or exists (
            select from jsonb_each_text(found.entities) as r where r.value = any(changed)
        ) then
            perform pg_temp.store_again(
                found.name, found.key, found.parent, found.company_from, found.entities
            );
            changed := changed || found.name;
        end if;
    end loop;
end
$migration$;

-- Ids elsewhere that name these rows. The access log keeps what it recorded.
do $elsewhere$
declare
    found record;
begin
    for found in
        select *
        from (
            values
            ('raw.dropped_reference', 'id'),
            ('raw.whatsapp_status', 'dispatch_id'),
            ('raw.whatsapp_reply', 'reply_id'),
            ('raw.whatsapp_reply', 'dispatch_id'),
            ('raw.whatsapp_reply', 'option_id'),
            ('access.erased_client', 'client_id'),
            ('access.erased_contact', 'contact_id')
        ) as places (relation, name)
    loop
        execute format($sql$
            create temp table padded on commit drop as
            select * from %1$s where %2$I <> coalesce(pg_temp.trimmed(%2$I), '');
            delete from %1$s where %2$I <> coalesce(pg_temp.trimmed(%2$I), '');
            delete from padded where pg_temp.trimmed(%2$I) is null;
            update padded set %2$I = pg_temp.trimmed(%2$I);
            insert into %1$s select * from padded on conflict do nothing;
            drop table padded
            $sql$, found.relation, found.name);
    end loop;
end
$elsewhere$;
update access.erased_number set client_id = pg_temp.trimmed(client_id)
where client_id <> pg_temp.trimmed(client_id);
delete from access.account as a using access.account as b
where a.user_id <> b.user_id and pg_temp.trimmed(a.user_id) = pg_temp.trimmed(b.user_id)
    and (a.changed_at, a.user_id) < (b.changed_at, b.user_id);
update access.account set user_id = pg_temp.trimmed(user_id)
where user_id <> pg_temp.trimmed(user_id);
update access.session set user_id = pg_temp.trimmed(user_id)
where user_id <> pg_temp.trimmed(user_id);
-- Without padded ids nothing is deleted, and every row is there already.
create temp table padded_history on commit drop as
select
    pg_temp.trimmed(company_id) as company_id, snapshot_date, totalizer,
    coalesce(pg_temp.trimmed(bucket), 'unspecified') as bucket,
    sum(agenda_count) as agenda_count, max(as_of) as as_of
from history.totalizer_history
where pg_temp.trimmed(company_id) is not null
group by 1, 2, 3, 4;
delete from history.totalizer_history
where exists (
    select from history.totalizer_history
    where company_id <> coalesce(pg_temp.trimmed(company_id), '')
        or bucket <> coalesce(pg_temp.trimmed(bucket), '')
);
insert into history.totalizer_history (
    company_id, snapshot_date, totalizer, bucket, agenda_count, as_of
)
select company_id, snapshot_date, totalizer, bucket, agenda_count, as_of from padded_history
on conflict do nothing;
drop table padded_history;

alter table raw.rejected_row add column last_delivery_id bigint;
alter table raw.rejected_row add column times integer not null default 1;
update raw.rejected_row set last_delivery_id = delivery_id;
alter table raw.rejected_row alter column last_delivery_id set not null;
comment on column raw.rejected_row.last_delivery_id is
    'The last delivery that held the row; a parked one keeps its place in the first.';
comment on column raw.rejected_row.times is 'How many rows of that delivery this one stands for.';

do $bounds$
declare
    found record;
begin
    for found in
        select
            table_name,
            string_agg(format('length(%I) <= %s', name, longest), ' and ' order by number) as bounds
        from text_column
        where table_name in (
            'company', 'app_user', 'user_company', 'team', 'campaign', 'event_type', 'loss_reason',
            'chatbot_option', 'client', 'vehicle', 'agenda', 'dispatch', 'booking', 'reply',
            'passive_contact', 'call_attempt', 'dropped_reference', 'whatsapp_status',
            'whatsapp_reply', 'whatsapp_preference'
        )
        group by table_name
    loop
        execute format(
            'alter table raw.%I add constraint %I check (%s)',
            found.table_name, found.table_name || '_is_bounded', found.bounds
        );
    end loop;
end
$bounds$;

drop table text_column;
drop function pg_temp.store_again, pg_temp.set_aside, pg_temp.longest, pg_temp.trimmed;
