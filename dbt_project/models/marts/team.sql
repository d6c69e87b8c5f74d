with team as (

    select * from {{ ref('stg_team') }}

)

select
    company_id,
    team_id,
    name,
    is_service_desk
from team
