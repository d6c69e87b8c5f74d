with company as (

    select * from {{ ref('stg_company') }}

),

local_now as (

    select
        company_id,
        timezone,
        {{ local_time(as_of(), 'timezone') }} as local_as_of
    from company

)

select
    company_id,
    timezone,
    local_as_of,
    cast(local_as_of as date) as local_date,
    {{ local_midnight('cast(local_as_of as date)', 'timezone') }} as local_midnight
from local_now
