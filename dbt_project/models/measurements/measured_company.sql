with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

company as (

    select * from {{ ref('company') }}

),

previous as (

    select * from {{ ref('stg_previous_agenda_count') }}

),

agenda as (

    select
        agenda_status.company_id,
        agenda_status.client_id,
        agenda_status.is_open,
        agenda_status.whatsapp_status,
        agenda_status.whatsapp_cause,
        agenda_status.last_sent_at,
        agenda_status.origin = 'active'
        and agenda_status.contact_date = company.local_date as is_today,
        -- The other two causes mean that no status was reported yet (R6).
        agenda_status.whatsapp_cause not in ('not_queued', 'queued') as is_failed
    from agenda_status
    left join company using (company_id)

),

counted as (

    select
        company_id,
        count(*) as agendas,
        count(*) filter (where is_today) as of_today,
        max(last_sent_at) as last_sent_at,
        count(*) filter (where client_id is null) as without_client,
        count(client_id) as with_client,
        count(client_id) filter (where whatsapp_status = 'invalid_phone') as invalid_phone,
        count(*) filter (where is_today and whatsapp_status = 'sent') as sent_of_today,
        count(*) filter (where is_today and is_failed) as failed_of_today,
        count(*) filter (where is_open and is_failed) as failed,
        count(*) filter (where is_open and whatsapp_cause = 'unknown_error')
            as failed_for_unknown_reason
    from agenda
    group by company_id

),

-- Before eight in the morning, messages of yesterday count too.
sending as (

    select
        company_id,
        {{ local_midnight(
            "cast(" ~ local_time(as_of(), 'timezone') ~ " - interval '8 hours' as date)", 'timezone'
        ) }} as sent_since
    from company

),

measured as (

    select
        company_id,
        coalesce(previous.agendas, 0) as published_agendas,
        coalesce(counted.agendas, 0) as agendas,
        coalesce(counted.of_today, 0) as of_today,
        coalesce(counted.last_sent_at >= sending.sent_since, false) as has_sent_lately,
        coalesce(counted.without_client, 0) as without_client,
        coalesce(counted.with_client, 0) as with_client,
        coalesce(counted.invalid_phone, 0) as invalid_phone,
        coalesce(counted.sent_of_today, 0) as sent_of_today,
        coalesce(counted.failed_of_today, 0) as failed_of_today,
        coalesce(counted.failed, 0) as failed,
        coalesce(counted.failed_for_unknown_reason, 0) as failed_for_unknown_reason
    from counted
    full outer join previous using (company_id)
    left join sending using (company_id)

)

select
    company_id,
    published_agendas,
    agendas,
    of_today,
    has_sent_lately,
    without_client,
    with_client,
    invalid_phone,
    sent_of_today,
    failed_of_today,
    sent_of_today + failed_of_today as messages_of_today,
    failed,
    failed_for_unknown_reason,
    -- Another check reports companies without agendas.
    (published_agendas - nullif(agendas, 0))
    / nullif(cast(published_agendas as double precision), 0) as fallen_share,
    invalid_phone / nullif(cast(with_client as double precision), 0) as invalid_phone_share,
    without_client / nullif(cast(agendas as double precision), 0) as no_client_share,
    failed_of_today / nullif(cast(sent_of_today + failed_of_today as double precision), 0)
        as failed_of_today_share,
    failed_for_unknown_reason / nullif(cast(failed as double precision), 0) as unknown_error_share
from measured
