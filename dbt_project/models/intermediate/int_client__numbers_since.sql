with client_version as (

    select * from {{ ref('stg_client_version') }}

),

client as (

    select * from {{ ref('stg_client') }}

),

compared as (

    select
        client_id,
        client_version.updated_at,
        (client_version.ddd, client_version.mobile, client_version.landline)
        is not distinct from (client.ddd, client.mobile, client.landline) as is_same
    from client_version
    inner join client using (client_id)

),

changed as (

    select
        client_id,
        max(updated_at) as last_other_at
    from compared
    where not is_same
    group by client_id

)

select
    client_id,
    min(compared.updated_at) as numbers_since
from compared
left join changed using (client_id)
where coalesce(compared.updated_at > changed.last_other_at, true)
group by client_id
