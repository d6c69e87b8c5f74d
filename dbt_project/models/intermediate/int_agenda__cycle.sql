with no_show as (

    select * from {{ ref('int_booking__no_show') }}

)

select
    company_id,
    agenda_id,
    max(no_show_at) as cycle_start
from no_show
group by company_id, agenda_id
