-- Section 4: counts above zero only, and one row per combination. Dimensions may be null, so a
-- primary key cannot ensure this.
with totalizer as (

    select * from {{ ref('totalizer') }}

)

select
    company_id,
    totalizer,
    bucket
from totalizer
group by
    company_id,
    contact_date,
    campaign_id,
    event_type_id,
    team_id,
    agent_id,
    totalizer,
    bucket,
    bucket_detail
having count(*) > 1 or min(agenda_count) <= 0
