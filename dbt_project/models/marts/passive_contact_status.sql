with passive_contact as (

    select * from {{ ref('stg_passive_contact') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

recognised as (

    select * from {{ ref('int_passive_contact__client') }}

),

bucket as (

    select * from {{ ref('int_passive_contact__bucket') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

booking as (

    select * from {{ ref('stg_booking') }}

),

event_type as (

    select * from {{ ref('stg_event_type') }}

)

select
    passive_contact.company_id,
    passive_contact.contact_id,
    cast({{ local_time('passive_contact.contacted_at', 'company.timezone') }} as date)
        as contact_date,
    recognised.client_id,
    recognised.is_ambiguous,
    bucket.bucket,
    agenda.agenda_id,
    booking.booking_id,
    event_type.campaign_id,
    agenda.event_type_id,
    agenda.team_id,
    agenda.agent_id,
    passive_contact.contacted_at,
    {{ as_of() }} as as_of
from passive_contact
inner join company using (company_id)
inner join recognised using (company_id, contact_id)
inner join bucket using (company_id, contact_id)
left join agenda
    on
        passive_contact.company_id = agenda.company_id
        and passive_contact.agenda_id = agenda.agenda_id
left join booking
    on
        passive_contact.company_id = booking.company_id
        and passive_contact.booking_id = booking.booking_id
left join event_type on agenda.event_type_id = event_type.event_type_id
