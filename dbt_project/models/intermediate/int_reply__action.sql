with reply as (

    select * from {{ ref('stg_reply') }}

),

dispatch as (

    select
        company_id,
        dispatch_id,
        agenda_id
    from {{ ref('stg_dispatch') }}

),

chatbot_option as (

    select * from {{ ref('stg_chatbot_option') }}

)

select
    reply.company_id,
    reply.reply_id,
    reply.dispatch_id,
    dispatch.agenda_id,
    reply.option_id,
    reply.replied_at,
    chatbot_option.label,
    chatbot_option.action,
    chatbot_option.loss_reason_id
from reply
left join dispatch using (company_id, dispatch_id)
left join chatbot_option using (option_id)
