with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

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
from candidate
where wait_reason is not null
