with no_show as (

    select * from {{ ref('int_agenda__no_show') }}

)

select
    company_id,
    booking_id,
    agenda_id,
    no_show_at
from no_show
where
    no_show_kind = 'automatic'
    and cancelled_at is null
