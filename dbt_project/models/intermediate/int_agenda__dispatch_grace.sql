with agenda as (

    select * from {{ ref('stg_agenda') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

started as (

    select
        agenda.company_id,
        agenda.agenda_id,
        {{ local_midnight('agenda.contact_date', 'company.timezone') }} as contact_midnight,
        cycle.cycle_start,
        company.dispatch_grace_hours * interval '1 hour' as grace
    from agenda
    inner join company using (company_id)
    left join cycle using (company_id, agenda_id)
    where agenda.origin = 'active' and agenda.is_open

)

select
    company_id,
    agenda_id,
    contact_midnight,
    greatest(contact_midnight, cycle_start) as may_be_sent_at,
    greatest(contact_midnight, cycle_start) + grace as grace_ends_at
from started
