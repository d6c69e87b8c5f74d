with no_show_return as (

    select * from {{ ref('int_booking__no_show_return') }}

)

select
    company_id,
    booking_id,
    agenda_id,
    no_show_at,
    {{ as_of() }} as as_of
from no_show_return
