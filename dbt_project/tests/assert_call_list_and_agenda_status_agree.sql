-- R9, R15: the call list, the waiting agendas and those that are done with agree with the call state
-- of each agenda; due agendas are active and open, and agree with their response.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

call_list as (

    select * from {{ ref('call_list') }}

),

call_waiting as (

    select * from {{ ref('call_waiting') }}

),

call_done as (

    select * from {{ ref('call_done') }}

),

company as (

    select * from {{ ref('company') }}

)

select
    agenda_status.company_id,
    agenda_status.agenda_id
from agenda_status
inner join company using (company_id)
left join call_list using (company_id, agenda_id)
left join call_waiting using (company_id, agenda_id)
left join call_done using (company_id, agenda_id)
where
    (agenda_status.call_reason is null) <> (agenda_status.call_state is null)
    or coalesce(agenda_status.call_state = 'listed', false) <> (call_list.agenda_id is not null)
    or coalesce(agenda_status.call_state in ('done', 'do_not_call', 'exhausted'), false)
    <> (call_done.agenda_id is not null)
    or (agenda_status.call_state <> call_done.call_state)
    or (
        call_waiting.wait_reason in ('call_back', 'resting', 'client_messaged')
        and agenda_status.call_state is distinct from call_waiting.wait_reason
    )
    or (
        agenda_status.call_state in ('call_back', 'resting', 'client_messaged')
        and call_waiting.agenda_id is null
    )
    or (
        coalesce(call_waiting.wait_reason = 'on_other_list', false)
        <> (
            call_list.agenda_id is not null
            and (call_list.agent_id is distinct from agenda_status.agent_id)
        )
    )
    or (
        call_list.agenda_id is not null
        and (
            agenda_status.call_reason <> call_list.call_reason
            or agenda_status.call_detail is distinct from call_list.call_detail
            or agenda_status.agent_id is distinct from call_list.agenda_agent_id
        )
    )
    or (
        agenda_status.call_reason is not null
        and (
            agenda_status.origin <> 'active'
            or not agenda_status.is_open
            or agenda_status.response in ('booked', 'booked_elsewhere', 'refused')
            or (
                agenda_status.call_reason <> 'call_requested'
                and agenda_status.contact_date > company.local_date
            )
        )
    )
