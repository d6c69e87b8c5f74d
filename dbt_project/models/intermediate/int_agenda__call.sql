with agenda as (

    select * from {{ ref('stg_agenda') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

candidate as (

    select
        agenda.company_id,
        agenda.agenda_id,
        agenda.agent_id,
        agenda.client_id,
        response.replied_at,
        response.cycle_sent_at,
        whatsapp_status.reason_without_sent,
        cycle.cycle_start,
        company.dispatch_grace_hours * interval '1 hour' as grace,
        {{ local_midnight('agenda.contact_date', 'company.timezone') }} as contact_midnight,
        case
            when response.response = 'replied' then 'not_sent'
            else response.response
        end as call_reason
    from agenda
    inner join company using (company_id)
    inner join clock using (company_id)
    inner join whatsapp_status using (company_id, agenda_id)
    inner join response using (company_id, agenda_id)
    left join cycle using (company_id, agenda_id)
    where
        agenda.origin = 'active'
        and agenda.is_open
        and agenda.contact_date <= clock.local_date
        and (
            response.response in ('call_requested', 'no_reply', 'not_sent')
            or (
                response.response = 'replied'
                and whatsapp_status.reason_without_sent = 'opted_out'
            )
        )

),

listed as (

    select
        company_id,
        agenda_id,
        agent_id,
        client_id,
        call_reason,
        case when call_reason = 'not_sent' then reason_without_sent end as call_detail,
        case call_reason
            when 'call_requested' then 1
            when 'no_reply' then 2
            else 3
        end as priority,
        case call_reason
            when 'call_requested' then replied_at
            when 'no_reply' then cycle_sent_at
            else contact_midnight
        end as since
    from candidate
    where
        call_reason <> 'not_sent'
        or reason_without_sent <> 'other'
        or greatest(contact_midnight, cycle_start) + grace <= {{ as_of() }}

)

select
    company_id,
    agenda_id,
    agent_id,
    client_id,
    call_reason,
    call_detail,
    priority,
    row_number() over (
        partition by company_id, agent_id
        order by priority, since, agenda_id collate "C"
    ) as position,
    since
from listed
