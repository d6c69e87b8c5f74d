with client as (

    select * from {{ ref('stg_client') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

reply as (

    select * from {{ ref('int_reply__action') }}

),

-- R6 asks about the client, whichever company wrote: the one roll-up across companies here.
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
    client.client_id,
    not client.accepts_messages
    or coalesce(latest_choice.action = 'opt_out', false) as is_opted_out,
    case
        when client.accepts_messages and latest_choice.client_id is not null then 'reply'
        else 'register'
    end as consent_origin,
    case when client.accepts_messages then latest_choice.replied_at end as consent_at
from client
left join latest_choice using (client_id)
