with whatsapp_status as (

    select * from {{ source('raw', 'whatsapp_status') }}

),

whatsapp_reply as (

    select * from {{ source('raw', 'whatsapp_reply') }}

),

dispatch as not materialized (

    select * from {{ source('raw', 'dispatch') }}

),

chatbot_option as (

    select * from {{ source('raw', 'chatbot_option') }}

),

data_until as (

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
    union all
    select
        'dispatch' as table_name,
        max(whatsapp_status.occurred_at) as data_until
    from whatsapp_status
    where
        whatsapp_status.occurred_at <= {{ as_of() }}
        and whatsapp_status.dispatch_id in (select dispatch.dispatch_id from dispatch)
    union all
    select
        'reply' as table_name,
        max(whatsapp_reply.occurred_at) as data_until
    from whatsapp_reply
    where
        whatsapp_reply.occurred_at <= {{ as_of() }}
        and whatsapp_reply.dispatch_id in (select dispatch.dispatch_id from dispatch)
        and whatsapp_reply.option_id in (select chatbot_option.option_id from chatbot_option)

)

select
    table_name,
    max(data_until) as data_until
from data_until
where data_until is not null
group by table_name
