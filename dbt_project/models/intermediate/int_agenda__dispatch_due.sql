with agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

whatsapp_cause as (

    select * from {{ ref('int_agenda__whatsapp_cause') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

call_attempts as (

    select * from {{ ref('int_agenda__call_attempts') }}

)

select
    agenda.company_id,
    agenda.agenda_id,
    case when cycle.cycle_start is not null then 'no_show' else 'first_contact' end as purpose
from agenda
inner join clock using (company_id)
inner join response using (company_id, agenda_id)
-- There is a cause only where the reason without sent is `other` (R6).
inner join whatsapp_cause using (company_id, agenda_id)
left join messages using (company_id, agenda_id)
left join cycle using (company_id, agenda_id)
left join call_attempts using (company_id, agenda_id)
where
    agenda.origin = 'active'
    and agenda.is_open
    and agenda.contact_date <= clock.local_date
    and response.response = 'not_sent'
    and coalesce(messages.pending_count, 0) = 0
    -- Nobody who was spoken to is sent the same question.
    and coalesce(call_attempts.last_outcome not in ('booked', 'refused'), true)
    and call_attempts.last_call_back_at is null
    and (
        whatsapp_cause.whatsapp_cause = 'not_queued'
        or (
            whatsapp_cause.whatsapp_cause in ('transient', 'rate_limit')
            and messages.cycle_failed_count < 3
        )
    )
