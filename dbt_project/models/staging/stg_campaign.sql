with campaign as (

    select * from {{ source('raw', 'campaign') }}

)

select
    campaign_id,
    name,
    active
from campaign
