with reply as (

    select * from {{ ref('int_reply__action') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

)

select distinct on (reply.company_id, reply.agenda_id)
    reply.company_id,
    reply.agenda_id,
    reply.reply_id,
    reply.replied_at,
    reply.action,
    reply.loss_reason_id
from reply
left join cycle using (company_id, agenda_id)
where {{ in_cycle('reply.replied_at', 'cycle.cycle_start') }}
order by
    reply.company_id,
    reply.agenda_id,
    reply.replied_at desc,
    reply.reply_id collate "C" desc
