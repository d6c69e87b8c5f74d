with agenda as (

    select * from {{ ref('stg_agenda') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

)

select
    agenda.company_id,
    agenda.agenda_id,
    latest_booking.booking_id,
    latest_booking.no_show_kind,
    latest_booking.no_show_at,
    latest_booking.cancelled_at
from agenda
inner join latest_booking using (company_id, agenda_id)
where
    agenda.is_open
    and latest_booking.no_show_kind is not null
