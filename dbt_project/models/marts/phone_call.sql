-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('call_list') }}
with call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

)

select
    call_attempt.company_id,
    call_attempt.agenda_id,
    call_attempt.attempt_id,
    agenda.client_id,
    agenda.agent_id,
    call_attempt.user_id,
    call_attempt.called_at,
    cast({{ local_time('call_attempt.called_at', 'clock.timezone') }} as date) as call_date,
    call_attempt.outcome,
    call_attempt.call_back_at,
    call_attempt.loss_reason_id,
    call_attempt.note,
    {{ as_of() }} as as_of
from call_attempt
inner join agenda using (company_id, agenda_id)
inner join clock using (company_id)
