-- R9: exactly those agendas have an obstacle that are neither on the call list nor waiting.

with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

call_list as (

    select * from {{ ref('call_list') }}

),

call_waiting as (

    select * from {{ ref('call_waiting') }}

),

called as (

    select
        company_id,
        agenda_id
    from call_list
    union all
    select
        company_id,
        agenda_id
    from call_waiting

)

select
    agenda_status.company_id,
    agenda_status.agenda_id
from agenda_status
left join called using (company_id, agenda_id)
where (agenda_status.call_obstacle is null) <> (called.agenda_id is not null)
