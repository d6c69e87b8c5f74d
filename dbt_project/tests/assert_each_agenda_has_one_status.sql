-- Section 4: one row per agenda that exists. The primary key forbids two; this test finds missing
-- ones.
with agenda as (

    select * from {{ ref('stg_agenda') }}

),

agenda_status as (

    select * from {{ ref('agenda_status') }}

)

select agenda.agenda_id
from agenda
full outer join agenda_status using (company_id, agenda_id)
where agenda.agenda_id is null or agenda_status.agenda_id is null
