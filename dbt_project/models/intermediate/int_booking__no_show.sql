with booking as (

    select * from {{ ref('stg_booking') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

expected as (

    select
        booking.company_id,
        booking.booking_id,
        booking.agenda_id,
        booking.no_show_at,
        booking.cancelled_at,
        booking.scheduled_for + company.no_show_hours * interval '1 hour' as deadline
    from booking
    inner join company using (company_id)
    where
        booking.confirmed_at is not null
        and booking.arrived_at is null

)

select
    company_id,
    booking_id,
    agenda_id,
    case when no_show_at is not null then 'manual' else 'automatic' end as no_show_kind,
    coalesce(no_show_at, deadline) as no_show_at
from expected
where
    no_show_at is not null
    or (deadline <= {{ as_of() }} and coalesce(cancelled_at >= deadline, true))
