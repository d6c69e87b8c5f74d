with agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

decided as (

    select
        agenda.company_id,
        agenda.agenda_id,
        {{ call_obstacle() }} as call_obstacle
    from agenda
    inner join clock using (company_id)
    left join whatsapp_status using (company_id, agenda_id)
    left join response using (company_id, agenda_id)

)

select
    company_id,
    agenda_id,
    call_obstacle
from decided
where call_obstacle is not null
