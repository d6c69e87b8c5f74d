-- R9: an agenda that must not be phoned yet is not on the call list, and its wait agrees with its
-- status.
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
    agenda_status.call_reason is not null
    or agenda_status.origin <> 'active'
    or not agenda_status.is_open
    or call_waiting.callable_at <= call_waiting.since
    or agenda_status.response <> case call_waiting.wait_reason
        when 'dispatch_grace' then 'not_sent'
        else 'awaiting_reply'
    end
    or (
        call_waiting.wait_reason = 'dispatch_grace'
        and (
            agenda_status.reason_without_sent <> 'other'
            or call_waiting.callable_at <= call_waiting.as_of
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
