with client as (

    select * from {{ ref('stg_client') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

reply as (

    select * from {{ ref('int_reply__action') }}

),

phone as (

    select * from {{ ref('int_client__phone') }}

),

whatsapp_preference as (

    select * from {{ ref('stg_whatsapp_preference') }}

),

-- WhatsApp reports by number who stops marketing messages, so it applies to all clients with the
-- number.
stopped as (

    select phone.client_id
    from phone
    inner join whatsapp_preference using (phone_key)
    where whatsapp_preference.preference = 'stop'

),

-- Resuming in WhatsApp ends such a stop, but not what the CRM says.
permission as (

    select
        client.client_id,
        client.accepts_messages and stopped.client_id is null as accepts_messages
    from client
    left join stopped using (client_id)

),

-- R6 is about the client in any company: the only aggregate across companies in these models.
latest_choice as (

    select distinct on (agenda.client_id)
        agenda.client_id,
        reply.action,
        reply.replied_at
    from reply
    inner join agenda using (company_id, agenda_id)
    where
        reply.action in ('opt_out', 'opt_in')
        and agenda.client_id is not null
    order by
        agenda.client_id,
        reply.replied_at desc,
        reply.reply_id collate "C" desc

)

select
    permission.client_id,
    permission.accepts_messages,
    not permission.accepts_messages
    or coalesce(latest_choice.action = 'opt_out', false) as is_opted_out,
    case
        when permission.accepts_messages and latest_choice.client_id is not null then 'reply'
        else 'register'
    end as consent_origin,
    case when permission.accepts_messages then latest_choice.replied_at end as consent_at
from permission
left join latest_choice using (client_id)
