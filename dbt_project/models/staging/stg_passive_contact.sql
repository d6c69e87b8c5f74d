with in_force as (

    {{ in_force(source('raw', 'passive_contact'), key='company_id, contact_id') }}

)

select
    company_id,
    contact_id,
    whatsapp_number,
    menu_option,
    contacted_at,
    agenda_id,
    booking_id
from in_force
where contacted_at <= {{ as_of() }}
