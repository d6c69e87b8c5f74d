with version as (

    select * from {{ source('raw', 'client') }}

),

in_force as (

    {{ in_force(source('raw', 'client'), key='client_id') }}

)

select
    version.client_id,
    version.updated_at,
    version.ddd,
    version.mobile,
    version.landline,
    version.accepts_calls
from version
inner join in_force using (client_id)
where version.updated_at <= in_force.updated_at
