-- By the contact id alone: unlike an agenda, a contact may be corrected to another company.
with in_force as (

    {{ in_force(source('raw', 'passive_contact'), key='contact_id') }}

)

select
    company_id,
    contact_id,
    whatsapp_number,
    menu_option,
    contacted_at,
    agenda_id,
    booking_id,
    {{ happened('handled_at') }} as handled_at
from in_force
where contacted_at <= {{ as_of() }}
