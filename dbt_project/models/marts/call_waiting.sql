with call_waiting as (

    select * from {{ ref('int_agenda__call_waiting') }}

)

select
    company_id,
    agenda_id,
    agent_id,
    position,
    wait_reason,
    since,
    callable_at,
    {{ as_of() }} as as_of
from call_waiting
