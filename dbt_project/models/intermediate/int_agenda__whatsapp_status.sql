with agenda as (

    select * from {{ ref('stg_agenda') }}

),

consent as (

    select * from {{ ref('int_client__consent') }}

),

phone as (

    select * from {{ ref('int_client__phone') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

reason as (

    select
        agenda.company_id,
        agenda.agenda_id,
        messages.last_sent_at,
        case
            when consent.is_opted_out then 'opted_out'
            when phone.is_valid_phone then 'other'
            else 'invalid_phone'
        end as reason_without_sent
    from agenda
    left join consent using (client_id)
    left join phone using (client_id)
    left join messages using (company_id, agenda_id)

)

select
    company_id,
    agenda_id,
    case when last_sent_at is not null then 'sent' else reason_without_sent end as whatsapp_status,
    reason_without_sent,
    last_sent_at
from reason
