with agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

whatsapp_cause as (

    select * from {{ ref('int_agenda__whatsapp_cause') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

dispatch_grace as (

    select * from {{ ref('int_agenda__dispatch_grace') }}

),

recipients_own as (

    select distinct cause
    from {{ ref('whatsapp_error') }}
    where whose = 'recipient'

)

select
    agenda.company_id,
    agenda.agenda_id,
    case
        when agenda.contact_date > clock.local_date then 'future'
        when response.response <> 'not_sent' then 'not_needed'
        when whatsapp_cause.whatsapp_cause in (select recipients_own.cause from recipients_own)
            then 'recipient'
        when dispatch_grace.grace_ends_at > {{ as_of() }} then 'in_grace'
        else 'failure'
    end as other_detail
from agenda
-- Of active, open agendas only.
inner join dispatch_grace using (company_id, agenda_id)
inner join clock using (company_id)
inner join whatsapp_status using (company_id, agenda_id)
inner join response using (company_id, agenda_id)
left join whatsapp_cause using (company_id, agenda_id)
where whatsapp_status.whatsapp_status = 'other'
