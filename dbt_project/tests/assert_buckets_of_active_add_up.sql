-- R11: the four buckets of `active` add up to all active open agendas, company by company.
with agenda as (

    select * from {{ ref('stg_agenda') }}

),

totalizer as (

    select * from {{ ref('totalizer') }}

),

open_agendas as (

    select
        company_id,
        count(*) as agenda_count
    from agenda
    where origin = 'active' and is_open
    group by company_id

),

total as (

    select
        company_id,
        sum(agenda_count) as agenda_count
    from totalizer
    where totalizer = 'active'
    group by company_id

)

select company_id
from open_agendas
full outer join total using (company_id)
where open_agendas.agenda_count is distinct from total.agenda_count
