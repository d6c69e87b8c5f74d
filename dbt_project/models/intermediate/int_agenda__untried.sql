with call as (

    select * from {{ ref('int_agenda__call') }}

),

call_attempts as (

    select * from {{ ref('int_agenda__call_attempts') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

aged as (

    select
        call.company_id,
        call.agenda_id,
        clock.local_date
        - cast({{ local_time('call.listed_at', 'clock.timezone') }} as date) as days_untried
    from call
    inner join clock using (company_id)
    left join call_attempts using (company_id, agenda_id)
    where coalesce(call_attempts.last_attempt_at < call.listed_at, true)

)

select
    company_id,
    agenda_id,
    days_untried
from aged
where days_untried > 0
