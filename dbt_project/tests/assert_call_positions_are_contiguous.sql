-- R16: positions run 1 … within company and agent, and so do cards, whose rows stand together.
with call_list as (

    select * from {{ ref('call_list') }}

),

neighbours as (

    select
        company_id,
        agenda_id,
        card,
        position,
        priority,
        lag(card, 1, cast(0 as bigint)) over their_list as previous_card,
        lag(position, 1, cast(0 as bigint)) over their_list as previous_position,
        lag(priority) over their_list as previous_priority
    from call_list
    window their_list as (partition by company_id, agent_id order by position)

)

select
    company_id,
    agenda_id
from neighbours
where
    position <> previous_position + 1
    or card not in (previous_card, previous_card + 1)
    or card = 0
    or (card = previous_card and priority < previous_priority)
