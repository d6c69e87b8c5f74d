with call_state as (

    select * from {{ ref('int_agenda__call_state') }}

),

candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

own_calls as (

    select * from {{ ref('int_agenda__own_calls') }}

),

number as (

    select * from {{ ref('int_agenda__number') }}

),

listed as (

    select
        candidate.company_id,
        candidate.agenda_id,
        candidate.agent_id,
        candidate.client_id,
        candidate.call_reason,
        candidate.call_detail,
        candidate.since,
        candidate.listed_at,
        number.phone,
        number.phone_kind,
        own_calls.own_calls,
        own_calls.called_at,
        own_calls.call_back_at,
        case
            when number.phone is null then 4
            when own_calls.call_back_at is not null then 0
            when candidate.call_reason = 'call_requested' then 1
            when candidate.call_reason = 'no_reply' then 2
            else 3
        end as priority
    from call_state
    inner join candidate using (company_id, agenda_id)
    left join own_calls using (company_id, agenda_id)
    left join number using (company_id, agenda_id)
    where call_state.call_state = 'listed'

)

select
    company_id,
    agenda_id,
    agent_id,
    client_id,
    call_reason,
    call_detail,
    since,
    listed_at,
    phone,
    phone_kind,
    priority,
    coalesce(own_calls, 0) as own_calls,
    case when priority = 0 then call_back_at end as call_back_at,
    row_number() over (
        partition by company_id
        order by
            priority,
            own_calls is not null,
            case when priority = 0 then call_back_at else coalesce(called_at, since) end,
            agenda_id collate "C"
    ) as place
from listed
