-- R12: an alarm counts agendas that can be shown: due ones, called or not, or today's.
with sending_alarm as (

    select * from {{ ref('sending_alarm') }}

),

agenda_status as (

    select * from {{ ref('agenda_status') }}

),

company as (

    select * from {{ ref('company') }}

),

shown as (

    select
        company_id,
        whatsapp_cause as cause,
        count(*) as agenda_count
    from agenda_status
    where
        call_reason = 'not_sent'
        and call_detail = 'other'
        and whatsapp_cause not in ('no_whatsapp', 'recipient_limit', 'opted_out_whatsapp')
    group by company_id, whatsapp_cause

),

today as (

    select
        agenda_status.company_id,
        'nothing_sent' as cause,
        count(*) as agenda_count
    from agenda_status
    inner join company using (company_id)
    where
        agenda_status.contact_date = company.local_date
        and agenda_status.origin = 'active'
        and agenda_status.is_open
        and agenda_status.whatsapp_status = 'other'
    group by agenda_status.company_id

)

select
    sending_alarm.company_id,
    sending_alarm.cause
from sending_alarm
full outer join shown using (company_id, cause)
left join today using (company_id, cause)
where
    sending_alarm.agenda_count
    is distinct from case
        when sending_alarm.cause = 'nothing_sent' then today.agenda_count
        else shown.agenda_count
    end
