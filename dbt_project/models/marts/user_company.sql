with user_company as (

    select * from {{ ref('stg_user_company') }}

)

select
    user_id,
    company_id
from user_company
