with dispatch as (

    select * from {{ ref('stg_dispatch') }}

),

outcome as (

    select
        company_id,
        dispatch_id,
        agenda_id,
        purpose,
        queued_at,
        delivered_at,
        read_at,
        failed_at,
        error_code,
        least(sent_at, delivered_at, read_at) as first_sign_at,
        case
            when failed_at is not null and delivered_at is null and read_at is null then 'failed'
            when coalesce(sent_at, delivered_at, read_at) is not null then 'sent'
            else 'pending'
        end as outcome
    from dispatch
    where queued_at is not null

)

select
    company_id,
    dispatch_id,
    agenda_id,
    purpose,
    queued_at,
    outcome,
    case when outcome = 'sent' then first_sign_at end as sent_at,
    delivered_at,
    read_at,
    failed_at,
    case when outcome = 'failed' then error_code end as error_code,
    case outcome
        when 'sent' then first_sign_at
        when 'failed' then queued_at
        else 'infinity'
    end as cycle_at
from outcome
