with in_force as (

    {{ in_force(source('raw', 'call_attempt'), key='company_id, attempt_id') }}

)

select
    company_id,
    attempt_id,
    agenda_id,
    user_id,
    called_at,
    outcome,
    call_back_at,
    loss_reason_id,
    note
from in_force
where
    called_at <= {{ as_of() }}
    and outcome <> 'void'
