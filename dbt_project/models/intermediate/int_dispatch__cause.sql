with outcome as (

    select * from {{ ref('int_dispatch__outcome') }}

),

whatsapp_error as (

    select * from {{ ref('whatsapp_error') }}

)

select
    outcome.company_id,
    outcome.dispatch_id,
    coalesce(whatsapp_error.cause, 'unknown_error') as cause
from outcome
left join whatsapp_error on outcome.error_code = whatsapp_error.code
where outcome.outcome = 'failed'
