with call_done as (

    select * from {{ ref('int_agenda__call_done') }}

)

select
    company_id,
    agenda_id,
    agent_id,
    call_state,
    outcome,
    called_at,
    loss_reason_id,
    own_calls,
    refused_at,
    refused_by,
    {{ as_of() }} as as_of
from call_done
