-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('call_list') }}
with reply as (

    select * from {{ ref('int_reply__action') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

)

select
    reply.company_id,
    reply.agenda_id,
    reply.reply_id,
    agenda.agent_id,
    reply.dispatch_id,
    reply.option_id,
    reply.label,
    reply.action,
    reply.loss_reason_id,
    reply.replied_at,
    {{ as_of() }} as as_of
from reply
inner join agenda using (company_id, agenda_id)
