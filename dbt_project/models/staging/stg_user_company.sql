with user_company as (

    select * from {{ source('raw', 'user_company') }}

)

select
    user_id,
    company_id
from user_company
