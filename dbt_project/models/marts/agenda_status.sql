-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('call_list') }}
with agenda as (

    select * from {{ ref('stg_agenda') }}

),

event_type as (

    select * from {{ ref('stg_event_type') }}

),

whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

whatsapp_cause as (

    select * from {{ ref('int_agenda__whatsapp_cause') }}

),

no_show as (

    select * from {{ ref('int_agenda__no_show') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

other_detail as (

    select * from {{ ref('int_agenda__other_detail') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

),

-- Due agendas; the others of this model wait.
candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}
    where wait_reason is null

),

call_state as (

    select * from {{ ref('int_agenda__call_state') }}

),

call_obstacle as (

    select * from {{ ref('int_agenda__call_obstacle') }}

),

-- Joined separately: few agendas have a booking, so what follows from one has few rows.
booking as (

    select
        latest_booking.company_id,
        latest_booking.agenda_id,
        latest_booking.booking_id,
        latest_booking.scheduled_for,
        latest_booking.visit_state,
        no_show.no_show_kind,
        no_show.no_show_at,
        cycle.cycle_start
    from latest_booking
    left join no_show using (company_id, agenda_id)
    left join cycle using (company_id, agenda_id)

)

select
    agenda.company_id,
    agenda.agenda_id,
    agenda.contact_date,
    event_type.campaign_id,
    agenda.event_type_id,
    agenda.team_id,
    agenda.agent_id,
    agenda.client_id,
    agenda.vehicle_id,
    agenda.origin,
    agenda.is_open,
    whatsapp_status.whatsapp_status,
    whatsapp_status.reason_without_sent,
    whatsapp_cause.whatsapp_cause,
    whatsapp_status.last_sent_at,
    booking.no_show_kind is not null as is_no_show,
    booking.no_show_kind,
    booking.no_show_at,
    booking.cycle_start,
    response.response,
    response.loss_reason_id,
    response.replied_at,
    response.days_without_reply,
    response.no_reply_bucket,
    response.replied_bucket,
    booking.booking_id,
    booking.scheduled_for as booked_for,
    booking.visit_state,
    other_detail.other_detail,
    candidate.call_reason,
    candidate.call_detail,
    call_state.call_state,
    call_obstacle.call_obstacle,
    agenda.created_at,
    agenda.closed_at,
    {{ as_of() }} as as_of
from agenda
left join event_type using (event_type_id)
left join whatsapp_status using (company_id, agenda_id)
left join response using (company_id, agenda_id)
left join whatsapp_cause using (company_id, agenda_id)
left join booking using (company_id, agenda_id)
left join other_detail using (company_id, agenda_id)
left join candidate using (company_id, agenda_id)
left join call_state using (company_id, agenda_id)
left join call_obstacle using (company_id, agenda_id)
