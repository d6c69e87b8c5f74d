with in_force as (

    {{ in_force(source('raw', 'reply'), key='company_id, reply_id') }}

)

select
    company_id,
    reply_id,
    dispatch_id,
    option_id,
    replied_at
from in_force
where replied_at <= {{ as_of() }}
