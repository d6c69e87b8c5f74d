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

select
    counted.company_id,
    counted.contact_date,
    counted.campaign_id,
    counted.event_type_id,
    counted.team_id,
    counted.agent_id,
    step.funnel,
    step.step,
    step.agenda_count,
    {{ as_of() }} as as_of
from counted
cross join
    lateral (
        values
        {%- for funnel, its_steps in steps.items() %}
        {%- set is_last_funnel = loop.last %}
        {%- for step in its_steps %}
        ('{{ funnel }}', '{{ step }}', counted.{{ funnel }}_{{ step }})
        {{- '' if is_last_funnel and loop.last else ',' }}
        {%- endfor %}
        {%- endfor %}
    ) as step (funnel, step, agenda_count)
where step.agenda_count > 0
