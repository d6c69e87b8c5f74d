with event_type as (

    select * from {{ source('raw', 'event_type') }}

)

select
    event_type_id,
    campaign_id,
    name
from event_type
