with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

call_attempt as (

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
    ) as own_calls,
    call_attempt.called_at,
    call_attempt.outcome,
    call_attempt.call_back_at,
    call_attempt.loss_reason_id
from candidate
inner join call_attempt using (company_id, agenda_id)
left join cycle using (company_id, agenda_id)
where
    candidate.wait_reason is null
    and call_attempt.called_at >= candidate.since
    and {{ in_cycle('call_attempt.called_at', 'cycle.cycle_start') }}
order by
    call_attempt.company_id,
    call_attempt.agenda_id,
    call_attempt.called_at desc,
    call_attempt.attempt_id collate "C" desc
