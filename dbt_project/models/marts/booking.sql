-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('call_list') }}
with booking as (

    select * from {{ ref('stg_booking') }}

),

no_show as (

    select * from {{ ref('int_booking__no_show') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

)

select
    booking.company_id,
    booking.agenda_id,
    booking.booking_id,
    agenda.agent_id,
    booking.channel,
    booking.created_at,
    booking.scheduled_for,
    booking.confirmed_at,
    booking.arrived_at,
    booking.cancelled_at,
    no_show.no_show_kind,
    no_show.no_show_at,
    {{ as_of() }} as as_of
from booking
inner join agenda using (company_id, agenda_id)
left join no_show using (company_id, booking_id)
