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

whatsapp_cause as (

    select * from {{ ref('int_agenda__whatsapp_cause') }}

),

candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

recipients_own as (

    select distinct cause
    from {{ ref('whatsapp_error') }}
    where whose = 'recipient'

),

not_sent as (

    select
        candidate.company_id,
        whatsapp_cause.whatsapp_cause as cause,
        count(*) as agenda_count,
        count(distinct candidate.client_id) as client_count,
        min(candidate.since) as oldest_since
    from candidate
    inner join whatsapp_cause using (company_id, agenda_id)
    where
        candidate.wait_reason is null
        and candidate.call_reason = 'not_sent'
        and candidate.call_detail = 'other'
        and whatsapp_cause.whatsapp_cause not in (select recipients_own.cause from recipients_own)
    group by candidate.company_id, whatsapp_cause.whatsapp_cause

),

nothing_sent as (

    select
        agenda.company_id,
        'nothing_sent' as cause,
        count(*) as agenda_count,
        count(distinct agenda.client_id) as client_count,
        clock.local_midnight as oldest_since
    from agenda
    inner join company using (company_id)
    inner join clock using (company_id)
    inner join whatsapp_status using (company_id, agenda_id)
    where
        agenda.origin = 'active'
        and agenda.is_open
        and agenda.contact_date = clock.local_date
        and whatsapp_status.whatsapp_status in ('sent', 'other')
        and clock.local_midnight + company.dispatch_grace_hours * interval '1 hour' <= {{ as_of() }}
    group by agenda.company_id, clock.local_midnight
    having count(*) filter (where whatsapp_status.whatsapp_status = 'sent') = 0

)

select
    company_id,
    cause,
    agenda_count,
    client_count,
    oldest_since
from not_sent
union all
select
    company_id,
    cause,
    agenda_count,
    client_count,
    oldest_since
from nothing_sent
