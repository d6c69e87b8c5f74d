with call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

)

select
    call_attempt.company_id,
    call_attempt.agenda_id,
    call_attempt.attempt_id,
    agenda.agent_id,
    call_attempt.user_id,
    call_attempt.called_at,
    call_attempt.outcome,
    call_attempt.note,
    {{ as_of() }} as as_of
from call_attempt
inner join agenda using (company_id, agenda_id)
