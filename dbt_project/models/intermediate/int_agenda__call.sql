with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

)

select
    company_id,
    agenda_id,
    agent_id,
    client_id,
    call_reason,
    call_detail,
    priority,
    row_number() over (
        partition by company_id, agent_id
        order by priority, since, agenda_id collate "C"
    ) as position,
    since,
    listed_at
from candidate
where wait_reason is null
