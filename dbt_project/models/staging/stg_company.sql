with company as (

    select * from {{ source('raw', 'company') }}

)

select
    company_id,
    name,
    coalesce(timezone, 'America/Sao_Paulo') as timezone,
    coalesce(no_reply_days, 2) as no_reply_days,
    coalesce(no_show_hours, 2) as no_show_hours,
    coalesce(dispatch_grace_hours, 12) as dispatch_grace_hours
from company
