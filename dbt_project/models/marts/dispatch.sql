-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('call_list') }}
with outcome as (

    select * from {{ ref('int_dispatch__outcome') }}

),

cause as (

    select * from {{ ref('int_dispatch__cause') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

)

select
    outcome.company_id,
    outcome.agenda_id,
    outcome.dispatch_id,
    agenda.agent_id,
    outcome.purpose,
    outcome.queued_at,
    outcome.outcome,
    outcome.sent_at,
    outcome.delivered_at,
    outcome.read_at,
    outcome.failed_at,
    outcome.error_code,
    cause.cause,
    {{ as_of() }} as as_of
from outcome
inner join agenda using (company_id, agenda_id)
left join cause using (company_id, dispatch_id)
