with call_state as (

    select * from {{ ref('int_agenda__call_state') }}

),

candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

own_calls as (

    select * from {{ ref('int_agenda__own_calls') }}

),

call_refusal as (

    select * from {{ ref('int_agenda__call_refusal') }}

)

select
    company_id,
    agenda_id,
    candidate.agent_id,
    call_state.call_state,
    own_calls.outcome,
    own_calls.called_at,
    own_calls.loss_reason_id,
    coalesce(own_calls.own_calls, 0) as own_calls,
    case when call_state.call_state = 'do_not_call' then call_refusal.refused_at end as refused_at,
    case when call_state.call_state = 'do_not_call' then call_refusal.refused_by end as refused_by
from call_state
inner join candidate using (company_id, agenda_id)
left join own_calls using (company_id, agenda_id)
left join call_refusal using (company_id, agenda_id)
where call_state.call_state in ('done', 'do_not_call', 'exhausted')
