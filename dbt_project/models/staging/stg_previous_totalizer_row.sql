with totalizer_row as (

    {{ previous_rows('totalizer_row') }}

)

select
    company_id,
    totalizer,
    row_id,
    agenda_id,
    contact_date,
    agent_id,
    client_id,
    bucket
from totalizer_row
