{#- Every published table with a column as_of. -#}
{%- set tables = [
    'agenda_status',
    'passive_contact_status',
    'totalizer',
    'sending_alarm',
    'call_list',
    'no_show_return',
    'dispatch_due',
    'company',
    'source_freshness',
    'call_waiting',
    'dispatch',
    'reply',
    'booking',
    'phone_call',
    'call_done',
    'passive_waiting',
    'day_activity',
    'funnel',
    'totalizer_row',
    'totalizer_movement',
] -%}

with
{%- for table in tables %}
{{ table }} as (

    select * from {{ ref(table) }}

),
{% endfor %}
measured as (

    {% for table in tables %}
    -- An empty table has a row too, without as_of.
    select
        '{{ table }}' as table_name,
        {{ table }}.as_of,
        count({{ table }}.as_of) as row_count
    from (values (true)) as always (holds)
    left join {{ table }} on always.holds
    group by {{ table }}.as_of
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    table_name,
    as_of,
    row_count
from measured
