with whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

outcome as (

    select * from {{ ref('int_dispatch__outcome') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

cause as (

    select * from {{ ref('int_dispatch__cause') }}

),

unexplained as (

    select
        whatsapp_status.company_id,
        whatsapp_status.agenda_id
    from whatsapp_status
    left join messages using (company_id, agenda_id)
    where
        whatsapp_status.reason_without_sent = 'other'
        and messages.cycle_sent_at is null

),

-- Nothing was sent in the cycle, so its latest dispatch is one that was not sent.
latest_dispatch as (

    select distinct on (outcome.company_id, outcome.agenda_id)
        outcome.company_id,
        outcome.agenda_id,
        outcome.outcome,
        outcome.dispatch_id
    from outcome
    left join cycle using (company_id, agenda_id)
    where
        outcome.outcome <> 'sent'
        and {{ in_cycle('outcome.cycle_at', 'cycle.cycle_start') }}
    order by
        outcome.company_id,
        outcome.agenda_id,
        outcome.queued_at desc,
        outcome.dispatch_id collate "C" desc

)

select
    unexplained.company_id,
    unexplained.agenda_id,
    case
        when latest_dispatch.outcome is null then 'not_queued'
        when latest_dispatch.outcome = 'pending' then 'queued'
        else cause.cause
    end as whatsapp_cause
from unexplained
left join latest_dispatch using (company_id, agenda_id)
left join cause using (company_id, dispatch_id)
