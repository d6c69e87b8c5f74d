with team as (

    select * from {{ source('raw', 'team') }}

)

select
    company_id,
    team_id,
    name,
    is_service_desk
from team
