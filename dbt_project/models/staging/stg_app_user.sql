with app_user as (

    select * from {{ source('raw', 'app_user') }}

)

select
    user_id,
    login,
    full_name,
    role,
    company_id,
    active
from app_user
