with day as (

    select * from {{ ref('int_agent__day') }}

)

select
    company_id,
    activity_date,
    agent_id,
    messages_sent,
    replies,
    bookings_leadzap,
    bookings_other,
    arrivals,
    no_shows,
    calls,
    clients_called,
    calls_booked,
    {{ as_of() }} as as_of
from day
