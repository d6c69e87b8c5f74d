with totalizer as (

    select * from {{ ref('totalizer') }}

),

totalizer_history as (

    select * from {{ ref('totalizer_history') }}

),

company as (

    select * from {{ ref('company') }}

),

today as (

    select
        company_id,
        totalizer,
        sum(agenda_count) as agenda_count
    from totalizer
    group by company_id, totalizer

),

recent as (

    select
        totalizer_history.company_id,
        totalizer_history.snapshot_date,
        totalizer_history.totalizer,
        sum(totalizer_history.agenda_count) as agenda_count
    from totalizer_history
    inner join company using (company_id)
    where
        totalizer_history.snapshot_date between company.local_date - 7 and company.local_date - 1
    group by 1, 2, 3

),

day as (

    select distinct
        company_id,
        snapshot_date
    from recent

),

kind as (

    select
        company_id,
        totalizer
    from today
    union
    select
        company_id,
        totalizer
    from recent

),

-- A totalizer without a row on a day counted zero that day.
usual as (

    select
        company_id,
        kind.totalizer,
        count(*) as days,
        percentile_cont(0.5) within group (order by coalesce(recent.agenda_count, 0)) as median
    from kind
    inner join day using (company_id)
    left join recent using (company_id, snapshot_date, totalizer)
    group by company_id, kind.totalizer

),

measured as (

    select
        company_id,
        totalizer,
        usual.days,
        usual.median,
        cast(coalesce(today.agenda_count, 0) as bigint) as agenda_count
    from usual
    left join today using (company_id, totalizer)

)

select
    company_id,
    totalizer,
    days,
    median,
    agenda_count,
    abs(agenda_count - median) as change,
    coalesce(
        greatest(agenda_count, median) / nullif(least(agenda_count, median), 0), 'infinity'
    ) as change_factor
from measured
