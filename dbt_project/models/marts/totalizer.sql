with totalizer_row as (

    select * from {{ ref('totalizer_row') }}

)

select
    company_id,
    contact_date,
    campaign_id,
    event_type_id,
    team_id,
    agent_id,
    totalizer,
    bucket,
    bucket_detail,
    count(*) as agenda_count,
    {{ as_of() }} as as_of
from totalizer_row
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
-- Rows of a company are adjacent: the lookup page sums thousands of them per request.
order by 1, 7, 8, 2
