with agenda_status as (

    {{ previous_rows('agenda_status') }}

)

select
    company_id,
    agenda_id,
    is_open,
    last_sent_at,
    cycle_start,
    response,
    replied_at,
    booking_id
from agenda_status
