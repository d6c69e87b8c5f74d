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

-- Only one of the two sides exists, so its columns are taken.
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

),

-- The agenda in the previous edition and now; null where it does not exist.
compared as (

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
        agenda_before.agenda_id is not null as existed,
        agenda_now.agenda_id is not null as still_exists,
        agenda_before.is_open as was_open,
        agenda_now.is_open,
        agenda_before.response as response_before,
        agenda_now.response,
        agenda_before.response in ('booked', 'booked_elsewhere') as was_booked,
        agenda_now.response in ('booked', 'booked_elsewhere') as is_booked,
        agenda_before.cycle_start as cycle_start_before,
        agenda_now.cycle_start,
        (agenda_now.booking_id is distinct from agenda_before.booking_id) as has_another_booking,
        (agenda_now.last_sent_at is distinct from agenda_before.last_sent_at) as has_new_message,
        -- A reply moves an agenda only between totals that depend on replies.
        moved.totalizer in ('refused', 'call_requested', 'no_reply', 'replied')
        and agenda_now.replied_at is not null
        and (agenda_now.replied_at is distinct from agenda_before.replied_at) as has_new_reply,
        -- An agenda does not leave a total by closing if the total counts closed ones too.
        moved.totalizer in (
            'active', 'no_show', 'call_requested', 'no_reply', 'replied'
        ) as counts_open_only,
        (
            agenda_now.agenda_id is null
            or agenda_now.agent_id is not distinct from moved.agent_id
        ) as agent_still_has_it
    from moved
    left join agenda_before using (company_id, agenda_id)
    left join agenda_now using (company_id, agenda_id)

)

select
    company_id,
    totalizer,
    row_id,
    agenda_id,
    contact_date,
    agent_id,
    client_id,
    direction,
    bucket,
    case
        when totalizer = 'passive' and direction = 'entered' then 'contacted'
        when totalizer = 'passive' then 'gone'
        when not existed then 'created'
        when not still_exists then 'gone'
        when counts_open_only and was_open and not is_open then 'closed'
        when counts_open_only and not was_open and is_open then 'reopened'
        when totalizer = 'active' then 'changed'
        when is_booked and has_another_booking then 'booked'
        when has_new_reply and response in ('refused', 'call_requested', 'replied') then response
        when totalizer = 'no_show' and direction = 'entered' then 'no_show'
        when totalizer = 'no_show' then 'no_show_ended'
        when cycle_start > coalesce(cycle_start_before, '-infinity') then 'no_show'
        when (cycle_start is distinct from cycle_start_before) then 'no_show_ended'
        when
            totalizer = 'no_reply'
            and direction = 'entered'
            and response_before in ('awaiting_reply', 'not_sent')
            then 'deadline'
        when totalizer = 'no_reply' and direction = 'left' and has_new_message
            then 'message_sent'
        when was_booked and not is_booked then 'booking_ended'
        -- For example another origin or a changed parameter.
        else 'changed'
    end as event,
    agent_still_has_it
from compared
