with call as (

    select * from {{ ref('int_agenda__call') }}

),

call_attempts as (

    select * from {{ ref('int_agenda__call_attempts') }}

),

untried as (

    select * from {{ ref('int_agenda__untried') }}

),

phone as (

    select * from {{ ref('int_client__phone') }}

)

select
    call.company_id,
    call.agenda_id,
    call.agent_id,
    call.priority,
    call.position,
    call.call_reason,
    call.call_detail,
    call.since,
    phone.phone_to_call as phone,
    coalesce(call_attempts.attempts, 0) as attempts,
    call_attempts.last_attempt_at,
    call_attempts.last_outcome,
    call.listed_at,
    untried.days_untried,
    {{ as_of() }} as as_of
from call
left join call_attempts using (company_id, agenda_id)
left join untried using (company_id, agenda_id)
left join phone using (client_id)
