with client as (

    select * from {{ ref('stg_client') }}

)

select
    client_id,
    name,
    ddd,
    mobile,
    landline,
    email,
    accepts_messages
from client
