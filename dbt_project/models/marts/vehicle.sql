with vehicle as (

    select * from {{ ref('stg_vehicle') }}

)

select
    vehicle_id,
    client_id,
    plate,
    model,
    active
from vehicle
