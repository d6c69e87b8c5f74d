with passive_contact as (

    select * from {{ ref('stg_passive_contact') }}

),

recognised as (

    select * from {{ ref('int_passive_contact__client') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

booking as (

    select * from {{ ref('stg_booking') }}

),

call_refusal as (

    select * from {{ ref('int_client__call_refusal') }}

)

select
    passive_contact.company_id,
    passive_contact.contact_id,
    recognised.phone,
    coalesce(
        call_refusal.refused_at is not null
        and coalesce(call_refusal.permitted_at <= call_refusal.refused_at, true),
        false
    ) as calls_refused
from passive_contact
inner join recognised using (company_id, contact_id)
left join agenda
    on
        passive_contact.company_id = agenda.company_id
        and passive_contact.agenda_id = agenda.agenda_id
left join booking
    on
        passive_contact.company_id = booking.company_id
        and passive_contact.booking_id = booking.booking_id
left join call_refusal on recognised.client_id = call_refusal.client_id
where
    passive_contact.menu_option in ('book', 'other')
    and passive_contact.handled_at is null
    -- As published: neither exists yet.
    and agenda.agenda_id is null
    and booking.booking_id is null
