with company as (

    {{ previous_rows('company') }}

)

select distinct as_of
from company
