with client as (

    select * from {{ ref('stg_client') }}

),

-- Materialized, so that each number is cleaned once.
cleaned as materialized (

    select
        client_id,
        {{ clean_phone('ddd') }} as ddd,
        {{ clean_phone('mobile') }} as mobile,
        {{ clean_phone('landline') }} as landline
    from client

),

checked as materialized (

    select
        client_id,
        {{ is_valid_phone('ddd', 'mobile') }} as is_valid_phone,
        case when {{ is_valid_phone('ddd', 'mobile') }} then ddd || mobile end as mobile,
        case when {{ is_digits('landline', [10, 11]) }} then landline end as landline
    from cleaned

)

select
    client_id,
    is_valid_phone,
    mobile,
    nullif(landline, mobile) as landline,
    {{ phone_key('mobile') }} as phone_key
from checked
