-- R11: a total of the previous edition, plus rows entered and minus rows left, equals the total
-- now. Without a previous edition nothing has moved.
with edition as (

    select * from {{ ref('stg_previous_edition') }}

),

row_before as (

    select * from {{ ref('stg_previous_totalizer_row') }}

),

totalizer as (

    select * from {{ ref('totalizer') }}

),

totalizer_movement as (

    select * from {{ ref('totalizer_movement') }}

),

counted as (

    select
        company_id,
        totalizer,
        count(*) as agenda_count
    from row_before
    group by company_id, totalizer
    union all
    select
        company_id,
        totalizer,
        case direction when 'entered' then 1 else -1 end as agenda_count
    from totalizer_movement
    union all
    select
        company_id,
        totalizer,
        -agenda_count as agenda_count
    from totalizer
    where exists (select edition.as_of from edition)

)

select
    company_id,
    totalizer
from counted
group by company_id, totalizer
having sum(agenda_count) <> 0
