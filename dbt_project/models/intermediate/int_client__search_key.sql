with client as (

    select * from {{ ref('stg_client') }}

),

vehicle as (

    select * from {{ ref('stg_vehicle') }}

),

-- Numbers that no message can reach (R4) are included: an attendant may search for one.
-- Materialized, as below, so that each number is stripped once.
typed as materialized (

    select
        client_id,
        {{ only('ddd', '0123456789') }} as ddd,
        {{ only('mobile', '0123456789') }} as number
    from client
    where mobile is not null
    union all
    select
        client_id,
        null as ddd,
        {{ only('landline', '0123456789') }} as number
    from client
    where landline is not null

),

national as materialized (

    select
        client_id,
        case
            when length(number) >= 10 then {{ without_country('number') }}
            else ltrim(concat(ddd, number), '0')
        end as number
    from typed

),

plated as materialized (

    select
        client_id,
        {{ only(upper_case('plate'), plate_signs()) }} as signs
    from vehicle
    where plate is not null

),

keyed as (

    select
        client_id,
        'phone' as key_kind,
        {{ phone_sought('number') }} as search_key
    from national
    union all
    select
        client_id,
        'plate' as key_kind,
        {{ plate_sought('signs') }} as search_key
    from plated

)

select
    client_id,
    key_kind,
    search_key
from keyed
where search_key <> ''
