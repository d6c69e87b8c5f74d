with company as (

    select * from {{ source('raw', 'company') }}

)

select
    company_id,
    name,
    -- PostgreSQL treats these four as abbreviations, which have no summer time.
    case timezone
        when 'CET' then 'Europe/Brussels'
        when 'MET' then 'Europe/Brussels'
        when 'EET' then 'Europe/Athens'
        when 'WET' then 'Europe/Lisbon'
        else coalesce(timezone, 'America/Sao_Paulo')
    end as timezone,
    coalesce(no_reply_days, 2) as no_reply_days,
    coalesce(no_show_hours, 2) as no_show_hours,
    coalesce(dispatch_grace_hours, 12) as dispatch_grace_hours,
    coalesce(call_rest_hours, 3) as call_rest_hours,
    max_call_attempts
from company
