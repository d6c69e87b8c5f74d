{%- set steps = {
    'contact': [
        'agendas',
        'sent',
        'replied',
        'booked',
        'came',
        'booked_without_reply',
        'came_without_reply',
    ],
    'return': [
        'no_show',
        'messaged',
        'booked_again',
        'came',
        'booked_again_without_message',
        'came_without_message',
    ],
} -%}

with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

journey as (

    select * from {{ ref('int_agenda__journey') }}

),

counted as (

    select
        agenda_status.company_id,
        agenda_status.contact_date,
        agenda_status.campaign_id,
        agenda_status.event_type_id,
        agenda_status.team_id,
        agenda_status.agent_id
        {%- for funnel, its_steps in steps.items() %}
        {%- for step in its_steps %},
        count(*) filter (where journey.{{ funnel }}_{{ step }}) as {{ funnel }}_{{ step }}
        {%- endfor %}
        {%- endfor %}
    from agenda_status
    inner join journey using (company_id, agenda_id)
    group by 1, 2, 3, 4, 5, 6

)

{% for funnel, its_steps in steps.items() %}
{% set is_last_funnel = loop.last %}
{% for step in its_steps %}
select
    company_id,
    contact_date,
    campaign_id,
    event_type_id,
    team_id,
    agent_id,
    '{{ funnel }}' as funnel,
    '{{ step }}' as step,
    {{ funnel }}_{{ step }} as agenda_count,
    {{ as_of() }} as as_of
from counted
where {{ funnel }}_{{ step }} > 0
{{ '' if is_last_funnel and loop.last else 'union all' }}
{% endfor %}
{% endfor %}
