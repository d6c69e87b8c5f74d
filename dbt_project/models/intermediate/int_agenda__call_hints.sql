with call as (

    select * from {{ ref('int_agenda__call') }}

),

card as (

    select * from {{ ref('int_agenda__call_card') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

vehicle as (

    select * from {{ ref('stg_vehicle') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

-- An agenda on the list neither has a live booking nor is refused: these agendas are others.
booked_vehicle as (

    select distinct
        company_id,
        agenda.vehicle_id
    from agenda
    inner join latest_booking using (company_id, agenda_id)
    where
        latest_booking.is_live
        and latest_booking.scheduled_for > {{ as_of() }}

),

refused_vehicle as (

    select distinct
        company_id,
        agenda.vehicle_id
    from agenda
    inner join response using (company_id, agenda_id)
    where response.response = 'refused'

),

shared_number as (

    select
        call.company_id,
        call.phone
    from call
    inner join card using (company_id, agenda_id)
    group by call.company_id, call.phone
    having count(distinct card.person) > 1

)

select
    call.company_id,
    call.agenda_id,
    array_remove(
        array[
            case when not vehicle.active then 'vehicle_inactive' end,
            case when booked_vehicle.vehicle_id is not null then 'vehicle_booked' end,
            case when refused_vehicle.vehicle_id is not null then 'vehicle_refused' end,
            case when shared_number.phone is not null then 'shared_number' end
        ],
        null
    ) as hints
from call
inner join agenda using (company_id, agenda_id)
left join vehicle on agenda.vehicle_id = vehicle.vehicle_id
left join booked_vehicle
    on
        agenda.company_id = booked_vehicle.company_id
        and agenda.vehicle_id = booked_vehicle.vehicle_id
left join refused_vehicle
    on
        agenda.company_id = refused_vehicle.company_id
        and agenda.vehicle_id = refused_vehicle.vehicle_id
left join shared_number
    on
        call.company_id = shared_number.company_id
        and call.phone = shared_number.phone
