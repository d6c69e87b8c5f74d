with campaign as (

    select * from {{ ref('stg_campaign') }}

)

select
    campaign_id,
    name,
    active
from campaign
