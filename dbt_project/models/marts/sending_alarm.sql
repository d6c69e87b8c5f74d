with sending_alarm as (

    select * from {{ ref('int_company__sending_alarm') }}

)

select
    company_id,
    cause,
    agenda_count,
    client_count,
    oldest_since,
    {{ as_of() }} as as_of
from sending_alarm
