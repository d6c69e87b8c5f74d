with edition as (

    select * from {{ ref('stg_previous_edition') }}

),

row_before as (

    select * from {{ ref('stg_previous_totalizer_row') }}

),

row_now as (

    select * from {{ ref('totalizer_row') }}

),

agenda_before as (

    select * from {{ ref('stg_previous_agenda_status') }}

),

agenda_now as (

    select * from {{ ref('agenda_status') }}

),

-- Of the two sides one is not there, so its columns are the other's.
unmatched as materialized (

    select
        company_id,
        totalizer,
        row_id,
        coalesce(row_now.agenda_id, row_before.agenda_id) as agenda_id,
        coalesce(row_now.contact_date, row_before.contact_date) as contact_date,
        coalesce(row_now.agent_id, row_before.agent_id) as agent_id,
        coalesce(row_now.client_id, row_before.client_id) as client_id,
        coalesce(row_now.bucket, row_before.bucket) as bucket,
        row_before.bucket is null as is_new
    from row_now
    full outer join row_before using (company_id, totalizer, row_id)
    where
        (row_now.bucket is null or row_before.bucket is null)
        and exists (select edition.as_of from edition)

),

moved as (

    select
        *,
        'entered' as direction
    from unmatched
    where is_new
    union all
    select
        *,
        'left' as direction
    from unmatched
    where not is_new

)

select
    moved.company_id,
    moved.totalizer,
    moved.row_id,
    moved.agenda_id,
    moved.contact_date,
    moved.agent_id,
    moved.client_id,
    moved.direction,
    moved.bucket,
    {{ movement_event() }} as event,
    (
        agenda_now.agenda_id is null
        or agenda_now.agent_id is not distinct from moved.agent_id
    ) as agent_still_has_it,
    edition.as_of as previous_as_of,
    {{ as_of() }} as as_of
from moved
cross join edition
left join agenda_before using (company_id, agenda_id)
left join agenda_now using (company_id, agenda_id)
