-- R9: exactly those agendas have an obstacle that are neither due nor waiting to be.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

call_waiting as (

    select * from {{ ref('call_waiting') }}

)

select
    agenda_status.company_id,
    agenda_status.agenda_id
from agenda_status
left join call_waiting using (company_id, agenda_id)
where
    (agenda_status.call_obstacle is null)
    <> (agenda_status.call_reason is not null or call_waiting.agenda_id is not null)
