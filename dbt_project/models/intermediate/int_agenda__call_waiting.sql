with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

call_state as (

    select * from {{ ref('int_agenda__call_state') }}

),

call_refusal as (

    select * from {{ ref('int_agenda__call_refusal') }}

),

card as (

    select * from {{ ref('int_agenda__call_card') }}

),

waiting as (

    select
        candidate.company_id,
        candidate.agenda_id,
        candidate.agent_id,
        candidate.since,
        candidate.wait_reason,
        candidate.callable_at
    from candidate
    left join call_refusal using (company_id, agenda_id)
    where
        candidate.wait_reason is not null
        and call_refusal.agenda_id is null
    union all
    select
        candidate.company_id,
        candidate.agenda_id,
        candidate.agent_id,
        candidate.since,
        call_state.call_state as wait_reason,
        call_state.callable_at
    from call_state
    inner join candidate using (company_id, agenda_id)
    where call_state.callable_at is not null
    union all
    select
        candidate.company_id,
        candidate.agenda_id,
        candidate.agent_id,
        candidate.since,
        'on_other_list' as wait_reason,
        null as callable_at
    from card
    inner join candidate using (company_id, agenda_id)
    where (card.owner_id is distinct from candidate.agent_id)

)

select
    company_id,
    agenda_id,
    agent_id,
    row_number() over (
        partition by company_id, agent_id
        order by callable_at, agenda_id collate "C"
    ) as position,
    wait_reason,
    since,
    callable_at
from waiting
