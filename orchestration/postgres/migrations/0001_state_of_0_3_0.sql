-- The state that version 0.3.0 made, from an empty database or from that of 0.1.0, 0.2.0 or 0.3.0;
-- the function access.grant_rights is in 0002, which renames what it grants.

create schema if not exists access;
create schema if not exists dagster;  -- Dagster makes its tables itself
create schema if not exists history;
create schema if not exists ops;
create schema if not exists raw;
comment on schema access is 'Who may read what, who is signed in, and what they did.';

create table if not exists ops.migration (
    name text primary key,
    applied_at timestamptz not null default clock_timestamp(),
    program text not null
);
comment on table ops.migration is
    'Each migration and each version of the program that has opened the database, when it first did.';

create table if not exists ops.publication (
    publication_id bigint generated always as identity primary key,
    run_id text not null,
    as_of timestamptz not null,
    published_at timestamptz not null default clock_timestamp(),
    edition text not null
);
alter table ops.publication add column if not exists active_agendas bigint;
comment on table ops.publication is 'One row a publication; the greatest id is what `marts` holds.';
comment on column ops.publication.active_agendas is 'The total `active` of all companies (R11).';

create table if not exists ops.edition (
    edition text primary key,
    run_id text not null,
    fingerprint text not null,
    pages bigint not null,
    written_at timestamptz not null default clock_timestamp()
);
comment on table ops.edition is
    'One row an edition of pages written, published or not; the hash of the tables it shows.';

create table if not exists ops.check_result (
    run_id text not null,
    as_of timestamptz not null,
    suite text not null,
    check_name text not null,
    blocking boolean not null,
    passed boolean not null,
    unexpected_count bigint not null,
    details jsonb not null default '{}',
    checked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, suite, check_name)
);
create index if not exists check_result_by_time on ops.check_result using brin (checked_at);
comment on table ops.check_result is 'What every check found, run by run: ids, no personal data.';

create table if not exists ops.run_failure (
    run_id text primary key,
    failed_at timestamptz not null default clock_timestamp(),
    message text not null
);
alter table ops.run_failure add column if not exists kind text not null default '';
comment on table ops.run_failure is 'The sentence of each run that failed.';
comment on column ops.run_failure.kind is
    'The name of the error when its message was written for a person; empty for any other.';

create table if not exists history.totalizer_history (
    company_id text not null,
    snapshot_date date not null,
    totalizer text not null,
    bucket text not null,
    agenda_count bigint not null check (agenda_count > 0),
    as_of timestamptz not null,
    primary key (company_id, snapshot_date, totalizer, bucket)
);
comment on table history.totalizer_history is
    'One set of totals a day (domain.md, section 4); `marts.totalizer_history` shows it.';

create table if not exists ops.tidied (
    only_row boolean primary key default true check (only_row),
    tidied_at timestamptz not null default clock_timestamp()
);
comment on table ops.tidied is 'When what is old was last removed (`tidying.py`).';

create table if not exists ops.backfill_day (
    snapshot_date date primary key,
    as_of timestamptz not null,
    last_delivery_id bigint not null,
    completed_at timestamptz not null default clock_timestamp()
);
comment on table ops.backfill_day is
    'One row a day whose set of history a backfill wrote and no run has replaced since.';
comment on column ops.backfill_day.last_delivery_id is
    'The last delivery loaded by then: after a later one the day is due again.';

create table if not exists ops.backfill_under_way (
    first_date date not null,
    last_date date not null,
    is_again boolean not null,
    began_at timestamptz not null default clock_timestamp()
);
comment on table ops.backfill_under_way is
    'The backfill that has begun and not ended: one row at most. Called again, it goes on.';

create table if not exists ops.alarm (
    alarm_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    facts jsonb not null default '{}',
    since timestamptz not null,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
create unique index if not exists alarm_under_way
    on ops.alarm (kind, subject) where ended_at is null;
comment on table ops.alarm is 'One row an alarm, from when it was first seen until it was gone.';
comment on column ops.alarm.facts is 'What is said of it, as it began: no personal data.';

create table if not exists ops.alarm_telling (
    alarm_id bigint not null references ops.alarm on delete cascade,
    channel text not null,
    told_at timestamptz not null,
    ended_told_at timestamptz,
    primary key (alarm_id, channel)
);
comment on table ops.alarm_telling is 'By which channel an alarm was told, and that it was over.';

create table if not exists ops.notify_channel (
    channel text primary key,
    told_at timestamptz,
    failing_since timestamptz,
    failure text not null default ''
);
comment on table ops.notify_channel is 'How each channel did last; its address is not kept.';

create table if not exists ops.installation (
    only_row boolean primary key default true check (only_row),
    installation_id uuid not null default gen_random_uuid()
);
insert into ops.installation default values on conflict do nothing;
comment on table ops.installation is 'What tells the messages of two installations apart.';

create table if not exists ops.delivery (
    delivery_id bigint generated always as identity primary key,
    source text not null,
    run_id text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status text not null check (status in ('loaded', 'refused')),
    message text
);
comment on table ops.delivery is 'Every delivery that came, loaded or refused. No personal data.';

create table if not exists ops.delivery_file (
    delivery_id bigint not null references ops.delivery,
    table_name text not null,
    file_name text not null,
    rows_read bigint not null,
    rows_new bigint not null,
    rows_known bigint not null,
    rows_rejected bigint not null,
    rows_parked bigint not null,
    primary key (delivery_id, table_name)
);
comment on table ops.delivery_file is
    'What became of the rows of each file: read = new + known + rejected + parked.';

alter table ops.delivery add column if not exists manifest text;
alter table ops.delivery add column if not exists is_for_now boolean not null default false;
alter table ops.delivery_file add column if not exists read_since timestamptz;
comment on column ops.delivery.manifest is
    'The beginning of the SHA-256 of its manifest.json, where there was one.';
comment on column ops.delivery.is_for_now is
    'Refused for lack of what another delivery may bring; tried again then.';
comment on column ops.delivery_file.read_since is
    'From which updated_at on a table of a live source was read; null where it was read whole.';

create table if not exists raw.rejected_row (
    rejected_id bigint generated always as identity primary key,
    delivery_id bigint not null,
    table_name text not null,
    file_name text not null,
    line bigint not null,
    column_name text,
    reason text not null,
    row_as_delivered jsonb not null
);
comment on table raw.rejected_row is
    'R2: rows set aside, as they came. Reason `unknown_reference` is parked: tried at every load.';
comment on column raw.rejected_row.line is
    'Line of the file where the row begins (the header is 1); number of the row in a table.';
comment on column raw.rejected_row.row_as_delivered is
    'Header to text; one string where the row does not fit its header.';
create index if not exists rejected_row_by_table on raw.rejected_row (table_name, reason);

create table if not exists raw.dropped_reference (
    table_name text not null,
    id text collate "C" not null,
    primary key (table_name, id)
);
comment on table raw.dropped_reference is
    'Ids of users and teams that a delivery dropped: rows may still name them.';

create table if not exists ops.watermark (
    source text not null,
    table_name text not null,
    incarnation text not null,
    updated_at timestamptz not null,
    delivery_id bigint not null,
    primary key (source, table_name)
);
alter table ops.watermark add column if not exists whole_at timestamptz;
comment on table ops.watermark is
    'The greatest updated_at that was loaded of each table of a live source. No personal data.';
comment on column ops.watermark.incarnation is
    'What tells the table from a later one of the same name: that is read whole.';
comment on column ops.watermark.whole_at is 'When it was last read whole, by the source''s clock.';

create table if not exists raw.company (
    company_id text collate "C" not null,
    name text not null,
    timezone text,
    no_reply_days integer,
    no_show_hours numeric,
    dispatch_grace_hours numeric,
    delivery_id bigint not null,
    primary key (company_id)
);
comment on table raw.company is 'A dealership of the group, with its parameters.';
comment on column raw.company.timezone is 'IANA name; empty is America/Sao_Paulo.';
comment on column raw.company.no_reply_days is
    'R8: whole days without a reply until the client is phoned; empty is 2.';
comment on column raw.company.no_show_hours is
    'R7: hours after the booked time until a no-show; empty is 2.';
comment on column raw.company.dispatch_grace_hours is
    'R9: hours a message may still be on its way; empty is 12.';

create table if not exists raw.app_user (
    user_id text collate "C" not null,
    login text not null,
    full_name text not null,
    role text not null,
    company_id text collate "C" not null,
    active boolean not null,
    delivery_id bigint not null,
    primary key (user_id)
);
comment on table raw.app_user is 'Who works the lists and who follows the numbers.';

create table if not exists raw.user_company (
    user_id text collate "C" not null,
    company_id text collate "C" not null,
    delivery_id bigint not null,
    primary key (user_id, company_id)
);
comment on table raw.user_company is 'The companies a user may see, beside the home company.';

create table if not exists raw.team (
    team_id text collate "C" not null,
    company_id text collate "C" not null,
    name text not null,
    is_service_desk boolean not null,
    delivery_id bigint not null,
    primary key (team_id)
);
comment on table raw.team is 'A team of a company.';

create table if not exists raw.campaign (
    campaign_id text collate "C" not null,
    name text not null,
    active boolean not null,
    delivery_id bigint not null,
    primary key (campaign_id)
);
comment on table raw.campaign is 'Why clients are contacted, in the large.';

create table if not exists raw.event_type (
    event_type_id text collate "C" not null,
    campaign_id text collate "C" not null,
    name text not null,
    delivery_id bigint not null,
    primary key (event_type_id)
);
comment on table raw.event_type is 'Why a client is contacted; belongs to a campaign.';

create table if not exists raw.loss_reason (
    loss_reason_id text collate "C" not null,
    name text not null,
    delivery_id bigint not null,
    primary key (loss_reason_id)
);
comment on table raw.loss_reason is 'Why a client refused.';

create table if not exists raw.chatbot_option (
    option_id text collate "C" not null,
    event_type_id text collate "C",
    label text not null,
    action text not null,
    loss_reason_id text collate "C",
    delivery_id bigint not null,
    primary key (option_id)
);
comment on table raw.chatbot_option is
    'A button of the chatbot. A loss reason only goes with the action `refuse`.';

create table if not exists raw.client (
    client_id text collate "C" not null,
    updated_at timestamptz not null,
    name text not null,
    ddd text,
    mobile text,
    landline text,
    email text,
    accepts_messages boolean not null,
    delivery_id bigint not null,
    primary key (client_id, updated_at)
);
comment on table raw.client is 'A client, shared by the companies of the group.';
comment on column raw.client.updated_at is 'With the key, identifies a version of the row (R1).';
comment on column raw.client.landline is 'DDD and number.';

create table if not exists raw.vehicle (
    vehicle_id text collate "C" not null,
    updated_at timestamptz not null,
    client_id text collate "C" not null,
    plate text,
    model text,
    active boolean not null,
    delivery_id bigint not null,
    primary key (vehicle_id, updated_at)
);
comment on table raw.vehicle is 'A vehicle of a client.';
comment on column raw.vehicle.updated_at is 'With the key, identifies a version of the row (R1).';

create table if not exists raw.agenda (
    agenda_id text collate "C" not null,
    updated_at timestamptz not null,
    company_id text collate "C" not null,
    client_id text collate "C",
    vehicle_id text collate "C",
    event_type_id text collate "C" not null,
    team_id text collate "C",
    agent_id text collate "C",
    origin text not null,
    contact_date date not null,
    created_at timestamptz not null,
    closed_at timestamptz,
    delivery_id bigint not null,
    primary key (company_id, agenda_id, updated_at)
);
comment on table raw.agenda is
    'One scheduled contact with one client about one event, on one date.';
comment on column raw.agenda.updated_at is 'With the key, identifies a version of the row (R1).';

create table if not exists raw.dispatch (
    company_id text collate "C" not null,
    dispatch_id text collate "C" not null,
    updated_at timestamptz not null,
    agenda_id text collate "C" not null,
    purpose text not null,
    queued_at timestamptz not null,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    error_code text,
    error_message text,
    delivery_id bigint not null,
    primary key (company_id, dispatch_id, updated_at)
);
comment on table raw.dispatch is 'One WhatsApp message of an agenda, put in LEADZAP''s queue.';
comment on column raw.dispatch.updated_at is 'With the key, identifies a version of the row (R1).';
comment on column raw.dispatch.error_code is 'WhatsApp''s numeric code, as text.';

create table if not exists raw.booking (
    company_id text collate "C" not null,
    booking_id text collate "C" not null,
    updated_at timestamptz not null,
    agenda_id text collate "C" not null,
    channel text not null,
    created_at timestamptz not null,
    scheduled_for timestamptz not null,
    confirmed_at timestamptz,
    arrived_at timestamptz,
    cancelled_at timestamptz,
    no_show_at timestamptz,
    delivery_id bigint not null,
    primary key (company_id, booking_id, updated_at)
);
comment on table raw.booking is 'A visit to the workshop, booked for a date and hour.';
comment on column raw.booking.updated_at is 'With the key, identifies a version of the row (R1).';
comment on column raw.booking.no_show_at is 'Marked by hand at the front desk.';

create table if not exists raw.reply (
    company_id text collate "C" not null,
    reply_id text collate "C" not null,
    updated_at timestamptz not null,
    dispatch_id text collate "C" not null,
    option_id text collate "C" not null,
    replied_at timestamptz not null,
    delivery_id bigint not null,
    primary key (company_id, reply_id, updated_at)
);
comment on table raw.reply is 'What the client clicked in the chatbot.';
comment on column raw.reply.updated_at is 'With the key, identifies a version of the row (R1).';

create table if not exists raw.passive_contact (
    contact_id text collate "C" not null,
    updated_at timestamptz not null,
    company_id text collate "C" not null,
    whatsapp_number text,
    menu_option text not null,
    contacted_at timestamptz not null,
    agenda_id text collate "C",
    booking_id text collate "C",
    delivery_id bigint not null,
    primary key (company_id, contact_id, updated_at)
);
comment on table raw.passive_contact is 'A client or lead who wrote to LEADZAP first.';
comment on column raw.passive_contact.updated_at is
    'With the key, identifies a version of the row (R1).';

create table if not exists raw.call_attempt (
    company_id text collate "C" not null,
    attempt_id text collate "C" not null,
    updated_at timestamptz not null,
    agenda_id text collate "C" not null,
    user_id text collate "C" not null,
    called_at timestamptz not null,
    outcome text not null,
    note text,
    delivery_id bigint not null,
    primary key (company_id, attempt_id, updated_at)
);
comment on table raw.call_attempt is 'A phone call an attendant made.';
comment on column raw.call_attempt.updated_at is
    'With the key, identifies a version of the row (R1).';

create table if not exists raw.whatsapp_status (
    dispatch_id text collate "C" not null,
    occurred_at timestamptz not null,
    status text not null,
    error_code text,
    error_message text,
    delivery_id bigint not null,
    unique nulls not distinct (dispatch_id, occurred_at, status, error_code, error_message)
);
comment on table raw.whatsapp_status is
    'What WhatsApp said of each message, once each, whether or not its dispatch is there yet.';

create table if not exists raw.whatsapp_preference (
    number_key text collate "C" not null,
    occurred_at timestamptz not null,
    value text not null check (value in ('stop', 'resume')),
    delivery_id bigint not null,
    primary key (number_key, occurred_at, value)
);
comment on table raw.whatsapp_preference is
    'Marketing messages stopped or resumed, by phone number (the key of R10, where it has one).';

create table if not exists raw.whatsapp_aside (
    digest text primary key,
    kind text not null,
    payload text not null,
    delivery_id bigint not null
);
comment on table raw.whatsapp_aside is
    'Events that say nothing about a dispatch, a reply or consent, as they came, by kind.';

create table if not exists raw.client_delivered (like raw.client including all);
comment on table raw.client_delivered is
    'Versions of client rows that have WhatsApp events, as delivered; raw.client holds them with '
    'the events.';
create table if not exists raw.dispatch_delivered (like raw.dispatch including all);
comment on table raw.dispatch_delivered is
    'Versions of dispatch rows that have WhatsApp events, as delivered; raw.dispatch holds them with '
    'the events.';

do $replies$
begin
    if to_regclass('raw.whatsapp_reply') is null then
        create table raw.whatsapp_reply (
            reply_id text collate "C" not null,
            occurred_at timestamptz not null,
            dispatch_id text collate "C" not null,
            option_id text collate "C" not null,
            delivery_id bigint not null,
            laid boolean not null default false,
            primary key (reply_id, occurred_at, dispatch_id, option_id)
        );
        insert into raw.whatsapp_reply
        select reply_id, updated_at, dispatch_id, option_id, delivery_id, true
        from raw.reply
        where updated_at = replied_at and delivery_id in (
            select delivery_id from ops.delivery_file group by delivery_id
            having bool_or(table_name = 'whatsapp_event') and not bool_or(table_name = 'reply')
        );
    end if;
end
$replies$;
comment on table raw.whatsapp_reply is
    'What WhatsApp said that clients clicked, once each, whether or not it can be a reply yet.';
comment on column raw.whatsapp_reply.laid is
    'A version of it is in raw.reply; else it waits for what it names, or the CRM''s stands.';

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
alter table access.session add column if not exists sought text[] not null default '{}';
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

insert into access.login (role_name, purpose) values
    ('atendimento_page', 'page'), ('atendimento_signin', 'sign_in')
on conflict (role_name) do update set purpose = excluded.purpose;

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

alter table history.totalizer_history enable row level security;
alter table history.totalizer_history force row level security;
drop policy if exists owner on history.totalizer_history;
create policy owner on history.totalizer_history to current_user using (true);
drop policy if exists reader on history.totalizer_history;
create policy reader on history.totalizer_history for select using (
    company_id = any(cast((select access.companies()) as text[]))
    and (select access.agent()) is null
);
