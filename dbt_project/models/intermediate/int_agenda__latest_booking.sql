with booking as (

    select * from {{ ref('stg_booking') }}

),

no_show as (

    select * from {{ ref('int_booking__no_show') }}

),

latest as (

    select distinct on (company_id, agenda_id)
        company_id,
        agenda_id,
        booking_id,
        channel,
        scheduled_for,
        confirmed_at,
        arrived_at,
        cancelled_at
    from booking
    order by
        company_id,
        agenda_id,
        created_at desc,
        booking_id collate "C" desc

)

select
    latest.company_id,
    latest.agenda_id,
    latest.booking_id,
    latest.channel,
    latest.scheduled_for,
    latest.cancelled_at,
    no_show.no_show_kind,
    no_show.no_show_at,
    latest.cancelled_at is null and no_show.booking_id is null as is_live,
    case
        when latest.arrived_at is not null then 'arrived'
        when latest.confirmed_at is not null then 'confirmed'
        when latest.scheduled_for > {{ as_of() }} then 'to_confirm'
        else 'unattended'
    end as visit_state
from latest
left join no_show using (company_id, booking_id)
