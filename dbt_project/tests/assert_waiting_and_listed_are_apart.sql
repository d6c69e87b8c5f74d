-- R15, R16: what waits has a time after as_of, except on the list of another agent; what is not due
-- yet waits by its response.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

call_waiting as (

    select * from {{ ref('call_waiting') }}

),

call_list as (

    select * from {{ ref('call_list') }}

)

select
    call_waiting.company_id,
    call_waiting.agenda_id
from call_waiting
inner join agenda_status using (company_id, agenda_id)
where
    (call_waiting.wait_reason = 'on_other_list') <> (call_waiting.callable_at is null)
    or call_waiting.callable_at <= call_waiting.as_of
    or (
        call_waiting.wait_reason in ('awaiting_reply', 'dispatch_grace')
        and (
            agenda_status.call_reason is not null
            or agenda_status.origin <> 'active'
            or not agenda_status.is_open
            or call_waiting.callable_at <= call_waiting.since
            or agenda_status.response <> case call_waiting.wait_reason
                when 'dispatch_grace' then 'not_sent'
                else 'awaiting_reply'
            end
        )
    )
union all
select
    company_id,
    agenda_id
from call_list
where
    listed_at > as_of
    or days_untried <= 0
    or (days_untried is not null and last_attempt_at >= listed_at)
    or (phone is null) <> (priority = 4)
    or (phone is null) <> (phone_kind is null)
    or (priority = 0) <> (call_back_at is not null)
    or call_back_at > as_of
