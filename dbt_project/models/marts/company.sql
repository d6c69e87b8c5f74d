with company as (

    select * from {{ ref('stg_company') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

)

select
    company.company_id,
    company.name,
    company.timezone,
    company.no_reply_days,
    company.no_show_hours,
    company.dispatch_grace_hours,
    clock.local_date,
    {{ as_of() }} as as_of
from company
inner join clock using (company_id)
