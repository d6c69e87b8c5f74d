with in_force as (

    {{ in_force(source('raw', 'dispatch'), key='company_id, dispatch_id') }}

)

select
    company_id,
    dispatch_id,
    agenda_id,
    purpose,
    {{ happened('queued_at') }} as queued_at,
    {{ happened('sent_at') }} as sent_at,
    {{ happened('delivered_at') }} as delivered_at,
    {{ happened('read_at') }} as read_at,
    {{ happened('failed_at') }} as failed_at,
    error_code
from in_force
