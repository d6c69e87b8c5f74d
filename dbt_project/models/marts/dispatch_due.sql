with dispatch_due as (

    select * from {{ ref('int_agenda__dispatch_due') }}

)

select
    company_id,
    agenda_id,
    purpose,
    {{ as_of() }} as as_of
from dispatch_due
