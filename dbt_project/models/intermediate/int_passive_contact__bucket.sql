with passive_contact as (

    select * from {{ ref('stg_passive_contact') }}

),

recognised as (

    select * from {{ ref('int_passive_contact__client') }}

),

booking as (

    select * from {{ ref('stg_booking') }}

),

vehicle_owner as (

    select distinct client_id
    from {{ ref('stg_vehicle') }}
    where active

)

select
    passive_contact.company_id,
    passive_contact.contact_id,
    case
        when passive_contact.menu_option = 'service_orders' then 'service_orders'
        when
            passive_contact.menu_option = 'book'
            and vehicle_owner.client_id is not null
            and booking.booking_id is not null
            then 'booking_registered'
        when passive_contact.menu_option = 'book' then 'booking_unregistered'
        when recognised.client_id is not null then 'other_registered'
        else 'other_unregistered'
    end as bucket
from passive_contact
inner join recognised using (company_id, contact_id)
left join booking using (company_id, booking_id)
left join vehicle_owner using (client_id)
