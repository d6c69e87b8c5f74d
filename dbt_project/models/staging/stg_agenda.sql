with in_force as (

    {{ in_force(source('raw', 'agenda'), key='company_id, agenda_id') }}

)

select
    company_id,
    agenda_id,
    client_id,
    vehicle_id,
    event_type_id,
    team_id,
    agent_id,
    origin,
    contact_date,
    created_at,
    {{ happened('closed_at') }} as closed_at,
    {{ happened('closed_at') }} is null as is_open
from in_force
where created_at <= {{ as_of() }}
