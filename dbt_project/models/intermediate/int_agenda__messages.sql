with outcome as (

    select * from {{ ref('int_dispatch__outcome') }}

),

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

placed as (

    select
        outcome.company_id,
        outcome.agenda_id,
        outcome.outcome,
        outcome.sent_at,
        {{ in_cycle('outcome.cycle_at', 'cycle.cycle_start') }} as is_in_cycle
    from outcome
    left join cycle using (company_id, agenda_id)

)

select
    company_id,
    agenda_id,
    max(sent_at) as last_sent_at,
    max(sent_at) filter (where is_in_cycle) as cycle_sent_at,
    count(*) filter (where outcome = 'pending') as pending_count,
    count(*) filter (where outcome = 'failed' and is_in_cycle) as cycle_failed_count
from placed
group by company_id, agenda_id
