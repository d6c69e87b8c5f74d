-- Each step of a funnel is a subset of the one before it; the first steps are all active agendas,
-- and all agendas whose cycle has a start (R7).
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

funnel as (

    select * from {{ ref('funnel') }}

),

first_step as (

    select
        company_id,
        count(*) filter (where origin = 'active') as agendas,
        count(cycle_start) as no_shows
    from agenda_status
    group by company_id

),

step as (

    select
        company_id,
        sum(agenda_count) filter (where step = 'agendas') as agendas,
        sum(agenda_count) filter (where step = 'sent') as sent,
        sum(agenda_count) filter (where step = 'replied') as replied,
        sum(agenda_count) filter (where step = 'booked') as booked,
        sum(agenda_count) filter (where step = 'came' and funnel = 'contact') as came,
        sum(agenda_count) filter (where step = 'no_show') as no_shows,
        sum(agenda_count) filter (where step = 'messaged') as messaged,
        sum(agenda_count) filter (where step = 'booked_again') as booked_again,
        sum(agenda_count) filter (where step = 'came' and funnel = 'return') as returned
    from funnel
    group by company_id

)

select company_id
from first_step
left join step using (company_id)
where
    coalesce(step.agendas, 0) <> first_step.agendas
    or coalesce(step.no_shows, 0) <> first_step.no_shows
    or coalesce(step.came, 0) > coalesce(step.booked, 0)
    or coalesce(step.booked, 0) > coalesce(step.replied, 0)
    or coalesce(step.replied, 0) > coalesce(step.sent, 0)
    or coalesce(step.sent, 0) > coalesce(step.agendas, 0)
    or coalesce(step.returned, 0) > coalesce(step.booked_again, 0)
    or coalesce(step.booked_again, 0) > coalesce(step.messaged, 0)
    or coalesce(step.messaged, 0) > coalesce(step.no_shows, 0)
