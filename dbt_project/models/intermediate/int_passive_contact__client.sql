with passive_contact as (

    select * from {{ ref('stg_passive_contact') }}

),

client as (

    select * from {{ ref('stg_client') }}

),

phone as (

    select * from {{ ref('int_client__phone') }}

),

-- Materialized, so that each number is stripped once.
numbered as materialized (

    select
        company_id,
        contact_id,
        {{ national_number('whatsapp_number') }} as number
    from passive_contact

),

keyed as (

    select
        company_id,
        contact_id,
        case when length(number) in (10, 11) then number end as phone,
        {{ phone_key('number') }} as phone_key
    from numbered

),

owner as (

    select distinct on (phone.phone_key)
        phone.phone_key,
        phone.client_id,
        count(*) over (partition by phone.phone_key) > 1 as is_ambiguous
    from phone
    inner join client using (client_id)
    where phone.phone_key in (select keyed.phone_key from keyed)
    order by
        phone.phone_key,
        client.updated_at desc,
        phone.client_id collate "C" desc

)

select
    keyed.company_id,
    keyed.contact_id,
    keyed.phone,
    owner.client_id,
    coalesce(owner.is_ambiguous, false) as is_ambiguous
from keyed
left join owner using (phone_key)
