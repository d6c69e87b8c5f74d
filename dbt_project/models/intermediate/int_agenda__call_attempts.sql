with call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

)

select distinct on (call_attempt.company_id, call_attempt.agenda_id)
    call_attempt.company_id,
    call_attempt.agenda_id,
    count(*) over (
        partition by call_attempt.company_id, call_attempt.agenda_id
    ) as attempts,
    call_attempt.called_at as last_attempt_at,
    call_attempt.outcome as last_outcome,
    call_attempt.call_back_at as last_call_back_at
from call_attempt
left join cycle using (company_id, agenda_id)
where {{ in_cycle('call_attempt.called_at', 'cycle.cycle_start') }}
order by
    call_attempt.company_id,
    call_attempt.agenda_id,
    call_attempt.called_at desc,
    call_attempt.attempt_id collate "C" desc
