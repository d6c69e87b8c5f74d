-- Section 4: only counts above zero, one row a combination. Dimensions may be null, so no key of
-- the table can hold this.
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
    bucket
having count(*) > 1 or min(agenda_count) <= 0
