{# R11: which rows a total counts, and which column is its bucket. Every total reads the table from
   which its rows are shown. #}
{%- set totalizers = [
    {
        'name': 'active',
        'rows': "origin = 'active' and is_open",
        'bucket': 'whatsapp_status',
        'detail': 'other_detail',
    },
    {
        'name': 'no_show',
        'rows': 'is_no_show',
        'bucket': 'no_show_kind',
    },
    {
        'name': 'refused',
        'rows': "origin = 'active' and response = 'refused'",
        'bucket': "coalesce(loss_reason_id, 'unspecified')",
    },
    {
        'name': 'booked',
        'rows': "origin = 'active' and response = 'booked'",
        'bucket': 'visit_state',
    },
    {
        'name': 'call_requested',
        'rows': "origin = 'active' and is_open and response = 'call_requested'",
        'bucket': 'response',
    },
    {
        'name': 'no_reply',
        'rows': "origin = 'active' and is_open and response = 'no_reply'",
        'bucket': 'no_reply_bucket',
    },
    {
        'name': 'replied',
        'rows': "origin = 'active' and is_open and response = 'replied'",
        'bucket': 'replied_bucket',
    },
] -%}

with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

passive_contact_status as (

    select * from {{ ref('passive_contact_status') }}

),

counted as (

    {% for totalizer in totalizers %}
    select
        company_id,
        '{{ totalizer.name }}' as totalizer,
        agenda_id as row_id,
        agenda_id,
        contact_date,
        campaign_id,
        event_type_id,
        team_id,
        agent_id,
        client_id,
        {{ totalizer.bucket }} as bucket,
        {{ totalizer.detail or 'cast(null as text)' }} as bucket_detail
    from agenda_status
    where {{ totalizer.rows }}
    union all
    {% endfor %}
    select
        company_id,
        'passive' as totalizer,
        contact_id as row_id,
        agenda_id,
        contact_date,
        campaign_id,
        event_type_id,
        team_id,
        agent_id,
        client_id,
        bucket,
        cast(null as text) as bucket_detail
    from passive_contact_status

)

select
    company_id,
    totalizer,
    row_id,
    agenda_id,
    contact_date,
    campaign_id,
    event_type_id,
    team_id,
    agent_id,
    client_id,
    bucket,
    bucket_detail,
    {{ as_of() }} as as_of
from counted
