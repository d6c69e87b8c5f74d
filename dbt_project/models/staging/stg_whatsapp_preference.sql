with whatsapp_preference as (

    select * from {{ source('raw', 'whatsapp_preference') }}

),

-- Materialized, so that each number is stripped once.
numbered as materialized (

    select
        {{ national_number('whatsapp_number') }} as number,
        occurred_at,
        value
    from whatsapp_preference
    where occurred_at <= {{ as_of() }}

),

keyed as (

    select
        {{ phone_key('number') }} as phone_key,
        occurred_at,
        value
    from numbered

)

-- Of both within one second `stop` wins, as the greater text: sending nothing is safer.
select distinct on (phone_key)
    phone_key,
    value as preference
from keyed
where phone_key is not null
order by
    phone_key,
    occurred_at desc,
    value collate "C" desc
