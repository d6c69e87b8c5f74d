with in_force as (

    {{ in_force(source('raw', 'client'), key='client_id') }}

)

select
    client_id,
    updated_at,
    name,
    ddd,
    mobile,
    landline,
    email,
    accepts_messages
from in_force
