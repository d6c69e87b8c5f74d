with call as (

    select * from {{ ref('int_agenda__call') }}

),

card as (

    select * from {{ ref('int_agenda__call_card') }}

),

hints as (

    select * from {{ ref('int_agenda__call_hints') }}

),

call_attempts as (

    select * from {{ ref('int_agenda__call_attempts') }}

),

untried as (

    select * from {{ ref('int_agenda__untried') }}

)

select
    call.company_id,
    call.agenda_id,
    card.owner_id as agent_id,
    call.agent_id as agenda_agent_id,
    call.client_id,
    card.card,
    card.position,
    call.priority,
    call.call_reason,
    call.call_detail,
    call.since,
    call.phone,
    call.phone_kind,
    call.own_calls,
    call.call_back_at,
    coalesce(call_attempts.attempts, 0) as attempts,
    call_attempts.last_attempt_at,
    call_attempts.last_outcome,
    hints.hints,
    call.listed_at,
    untried.days_untried,
    {{ as_of() }} as as_of
from call
inner join card using (company_id, agenda_id)
inner join hints using (company_id, agenda_id)
left join call_attempts using (company_id, agenda_id)
left join untried using (company_id, agenda_id)
