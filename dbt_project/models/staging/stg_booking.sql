with in_force as (

    {{ in_force(source('raw', 'booking'), key='company_id, booking_id') }}

)

select
    company_id,
    booking_id,
    agenda_id,
    channel,
    created_at,
    scheduled_for,
    {{ happened('confirmed_at') }} as confirmed_at,
    {{ happened('arrived_at') }} as arrived_at,
    {{ happened('cancelled_at') }} as cancelled_at,
    {{ happened('no_show_at') }} as no_show_at
from in_force
where created_at <= {{ as_of() }}
