-- R9: positions run 1 … within company and agent, in the order of priority, then since.
with call_list as (

    select * from {{ ref('call_list') }}

),

neighbours as (

    select
        company_id,
        agenda_id,
        position,
        priority,
        since,
        lag(position, 1, cast(0 as bigint)) over their_list as previous_position,
        lag(priority) over their_list as previous_priority,
        lag(since) over their_list as previous_since
    from call_list
    window their_list as (partition by company_id, agent_id order by position)

)

select
    company_id,
    agenda_id
from neighbours
where
    position <> previous_position + 1
    or (priority, since) < (previous_priority, previous_since)
