-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('agenda_status') }}
-- depends_on: {{ ref('passive_contact_status') }}
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
