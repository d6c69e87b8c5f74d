-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('totalizer') }}
-- depends_on: {{ ref('user_company') }}
with app_user as (

    select * from {{ ref('stg_app_user') }}

)

select
    user_id,
    login,
    full_name,
    role,
    company_id,
    active
from app_user
