with delivered as not materialized (

    select * from {{ source('raw', 'reply') }}

),

whatsapp_reply as (

    select * from {{ source('raw', 'whatsapp_reply') }}
    where occurred_at <= {{ as_of() }}

),

dispatch as (

    select distinct
        company_id,
        dispatch_id
    from {{ source('raw', 'dispatch') }}
    where dispatch_id in (select whatsapp_reply.dispatch_id from whatsapp_reply)

),

chatbot_option as (

    select * from {{ source('raw', 'chatbot_option') }}

),

-- A reply reported by WhatsApp counts as a version beside those of the CRM, unless one of these has
-- the same time or refers to another message. Of two messages for one reply the first reported
-- wins.
reported as (

    select
        dispatch.company_id,
        whatsapp_reply.*,
        first_value(whatsapp_reply.dispatch_id) over (
            partition by whatsapp_reply.reply_id
            order by whatsapp_reply.occurred_at, whatsapp_reply.dispatch_id collate "C"
        ) as first_dispatch_id
    from whatsapp_reply
    inner join dispatch on whatsapp_reply.dispatch_id = dispatch.dispatch_id
    inner join chatbot_option using (option_id)
    where
        not exists (
            select from delivered
            where
                delivered.reply_id = whatsapp_reply.reply_id
                and (
                    delivered.updated_at = whatsapp_reply.occurred_at
                    or delivered.dispatch_id <> whatsapp_reply.dispatch_id
                )
        )

),

-- Of two options at one time the lesser id wins.
clicked as (

    select distinct on (reply_id, occurred_at) *
    from reported
    where dispatch_id = first_dispatch_id
    order by
        reply_id,
        occurred_at,
        option_id collate "C"

),

version as (

    select
        company_id,
        reply_id,
        updated_at,
        dispatch_id,
        option_id,
        replied_at
    from delivered
    union all
    select
        company_id,
        reply_id,
        occurred_at as updated_at,
        dispatch_id,
        option_id,
        occurred_at as replied_at
    from clicked

),

in_force as (

    {{ in_force('version', key='company_id, reply_id') }}

)

select
    company_id,
    reply_id,
    dispatch_id,
    option_id,
    replied_at
from in_force
where replied_at <= {{ as_of() }}
