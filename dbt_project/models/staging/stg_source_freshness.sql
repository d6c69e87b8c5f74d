with data_until as (

    {% for table in [
        'client', 'vehicle', 'agenda', 'dispatch', 'booking', 'reply', 'passive_contact'
    ] %}
    select
        '{{ table }}' as table_name,
        max(updated_at) as data_until
    from {{ source('raw', table) }}
    where updated_at <= {{ as_of() }}
    union all
    {% endfor %}
    select
        'call_attempt' as table_name,
        max(updated_at) as data_until
    from {{ source('raw', 'call_attempt') }}
    where updated_at <= {{ as_of() }}

)

select
    table_name,
    data_until
from data_until
where data_until is not null
