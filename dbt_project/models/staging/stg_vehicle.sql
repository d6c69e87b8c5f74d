with in_force as (

    {{ in_force(source('raw', 'vehicle'), key='vehicle_id') }}

)

select
    vehicle_id,
    client_id,
    plate,
    model,
    active
from in_force
