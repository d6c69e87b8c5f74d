-- Up to 0.3.0 events were laid over the delivered rows at each load: raw.dispatch and raw.client held
-- versions made of both, and `<table>_delivered` what was delivered. Replies that WhatsApp reported stood
-- in raw.reply too, marked in raw.whatsapp_reply as `laid`. Models join the events now.

delete from raw.dispatch as r using raw.dispatch_delivered as d
where r.company_id = d.company_id and r.dispatch_id = d.dispatch_id;
insert into raw.dispatch table raw.dispatch_delivered;
drop table raw.dispatch_delivered;
analyze raw.dispatch;

delete from raw.client as r using raw.client_delivered as d
where r.client_id = d.client_id;
insert into raw.client table raw.client_delivered;
drop table raw.client_delivered;
analyze raw.client;

delete from raw.reply as r using raw.whatsapp_reply as e
where e.laid and r.reply_id = e.reply_id and r.updated_at = e.occurred_at;
alter table raw.whatsapp_reply drop column laid;
analyze raw.reply;
analyze raw.whatsapp_reply;
comment on table raw.whatsapp_reply is
    'What WhatsApp reported that clients clicked, once each, whether or not it can be a reply yet.';

comment on table raw.whatsapp_status is
    'What WhatsApp reported of each message, once each, whether or not its dispatch is there yet.';

-- The numbers stored before are keys of R10, which are numbers too.
alter table raw.whatsapp_preference rename column number_key to whatsapp_number;
do $$
declare
    former text;
begin
    for former in
        select conname from pg_constraint
        where conrelid = 'raw.whatsapp_preference'::regclass and conname ~ 'number_key'
    loop
        execute format(
            'alter table raw.whatsapp_preference rename constraint %I to %I',
            former, replace(former, 'number_key', 'whatsapp_number')
        );
    end loop;
end
$$;
comment on table raw.whatsapp_preference is
    'Marketing messages stopped or resumed in WhatsApp, by phone number.';

alter table raw.whatsapp_aside rename to whatsapp_unhandled;
do $$
declare
    former text;
begin
    for former in
        select conname from pg_constraint
        where conrelid = 'raw.whatsapp_unhandled'::regclass and conname ~ 'aside'
    loop
        execute format(
            'alter table raw.whatsapp_unhandled rename constraint %I to %I',
            former, replace(former, 'aside', 'unhandled')
        );
    end loop;
end
$$;

delete from access.pending_vacuum
where table_name in ('raw.client_delivered', 'raw.dispatch_delivered');
update access.pending_vacuum set table_name = 'raw.whatsapp_unhandled'
where table_name = 'raw.whatsapp_aside';
