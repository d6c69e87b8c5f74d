with event_type as (

    select * from {{ ref('stg_event_type') }}

)

select
    event_type_id,
    campaign_id,
    name
from event_type
