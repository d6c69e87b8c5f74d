with agenda as (

    select * from {{ ref('stg_agenda') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

reply as (

    select * from {{ ref('int_reply__action') }}

),

booking as (

    select * from {{ ref('stg_booking') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

replied as (

    select distinct
        company_id,
        agenda_id
    from reply

),

booked as (

    select
        booking.company_id,
        booking.agenda_id,
        count(booking.arrived_at) > 0 as has_come,
        count(*) filter (where booking.created_at >= cycle.cycle_start) > 0 as has_booked_again,
        count(*) filter (
            where
            booking.created_at >= cycle.cycle_start
            and booking.arrived_at >= cycle.cycle_start
        ) > 0 as has_come_again
    from booking
    left join cycle using (company_id, agenda_id)
    group by booking.company_id, booking.agenda_id

),

evidence as (

    select
        agenda.company_id,
        agenda.agenda_id,
        agenda.origin = 'active' as is_contact,
        messages.last_sent_at is not null as was_sent,
        replied.agenda_id is not null as has_replied,
        booked.agenda_id is not null as has_booked,
        coalesce(booked.has_come, false) as has_come,
        cycle.cycle_start is not null as is_return,
        messages.cycle_sent_at is not null as was_messaged,
        coalesce(booked.has_booked_again, false) as has_booked_again,
        coalesce(booked.has_come_again, false) as has_come_again
    from agenda
    left join messages using (company_id, agenda_id)
    left join replied using (company_id, agenda_id)
    left join booked using (company_id, agenda_id)
    left join cycle using (company_id, agenda_id)

)

select
    company_id,
    agenda_id,
    is_contact as contact_agendas,
    is_contact and was_sent as contact_sent,
    is_contact and was_sent and has_replied as contact_replied,
    is_contact and was_sent and has_replied and has_booked as contact_booked,
    is_contact and was_sent and has_replied and has_come as contact_came,
    is_contact and has_booked and not (was_sent and has_replied) as contact_booked_without_reply,
    is_contact and has_come and not (was_sent and has_replied) as contact_came_without_reply,
    is_return as return_no_show,
    is_return and was_messaged as return_messaged,
    is_return and was_messaged and has_booked_again as return_booked_again,
    is_return and was_messaged and has_come_again as return_came,
    is_return and has_booked_again and not was_messaged as return_booked_again_without_message,
    is_return and has_come_again and not was_messaged as return_came_without_message
from evidence
