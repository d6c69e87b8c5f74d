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
        ddd || mobile as mobile,
        landline,
        {{ is_valid_phone('ddd', 'mobile') }} as is_valid_phone,
        {{ is_digits('landline', [10, 11]) }} as is_valid_landline
    from cleaned

)

select
    client_id,
    is_valid_phone,
    case
        when is_valid_phone then mobile
        when is_valid_landline then landline
    end as phone_to_call,
    case when is_valid_phone then {{ phone_key('mobile') }} end as phone_key
from checked
