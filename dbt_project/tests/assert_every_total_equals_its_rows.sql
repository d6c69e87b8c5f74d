-- R11: every total equals the number of its rows. Rows are counted here by membership of agendas,
-- company by company; totals by bucket and dimension.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

passive_contact_status as (

    select * from {{ ref('passive_contact_status') }}

),

totalizer as (

    select * from {{ ref('totalizer') }}

),

counted as (

    select
        company_id,
        count(*) filter (where is_open and origin = 'active') as active,
        count(*) filter (where no_show_kind is not null) as no_show,
        count(*) filter (where response = 'refused' and origin = 'active') as refused,
        count(*) filter (where response = 'booked' and origin = 'active') as booked,
        count(*) filter (
            where response = 'call_requested' and origin = 'active' and is_open
        ) as call_requested,
        count(*) filter (
            where days_without_reply is not null and origin = 'active' and is_open
        ) as no_reply,
        count(*) filter (
            where response = 'replied' and origin = 'active' and is_open
        ) as replied
    from agenda_status
    group by company_id

),

row_count as (

    select
        counted.company_id,
        total.totalizer,
        total.agenda_count
    from
        counted,
        lateral (
            values
            ('active', counted.active),
            ('no_show', counted.no_show),
            ('refused', counted.refused),
            ('booked', counted.booked),
            ('call_requested', counted.call_requested),
            ('no_reply', counted.no_reply),
            ('replied', counted.replied)
        ) as total (totalizer, agenda_count)
    where total.agenda_count > 0
    union all
    select
        company_id,
        'passive' as totalizer,
        count(*) as agenda_count
    from passive_contact_status
    group by company_id

),

total as (

    select
        company_id,
        totalizer,
        sum(agenda_count) as agenda_count
    from totalizer
    group by company_id, totalizer

)

select
    company_id,
    totalizer
from row_count
full outer join total using (company_id, totalizer)
where row_count.agenda_count is distinct from total.agenda_count
