with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

person as (

    select * from {{ ref('int_agenda__person') }}

),

own_calls as (

    select * from {{ ref('int_agenda__own_calls') }}

),

last_call as (

    select * from {{ ref('int_person__last_call') }}

),

call_refusal as (

    select * from {{ ref('int_agenda__call_refusal') }}

),

message_hold as (

    select * from {{ ref('int_agenda__message_hold') }}

),

timed as (

    select
        candidate.company_id,
        candidate.agenda_id,
        own_calls.outcome,
        own_calls.own_calls >= company.max_call_attempts
        and own_calls.call_back_at is null as is_exhausted,
        call_refusal.agenda_id is not null as is_refused,
        greatest(own_calls.call_back_at, last_call.call_back_at) as agreed_until,
        case
            when last_call.call_back_at is null
                then last_call.called_at + company.call_rest_hours * interval '1 hour'
        end as rests_until,
        message_hold.held_until
    from candidate
    inner join company using (company_id)
    inner join person using (company_id, agenda_id)
    left join own_calls using (company_id, agenda_id)
    left join call_refusal using (company_id, agenda_id)
    left join message_hold using (company_id, agenda_id)
    left join last_call
        on
            person.company_id = last_call.company_id
            and person.person = last_call.person
            -- Who asks for a call after the last one asks for another.
            and (candidate.call_reason <> 'call_requested' or last_call.called_at >= candidate.since)
    where candidate.wait_reason is null

),

decided as (

    select
        *,
        case
            when outcome in ('booked', 'refused') then 'done'
            when is_refused then 'do_not_call'
            when is_exhausted then 'exhausted'
            when agreed_until > {{ as_of() }} then 'call_back'
            when rests_until > {{ as_of() }} then 'resting'
            when held_until > {{ as_of() }} then 'client_messaged'
            else 'listed'
        end as call_state
    from timed

)

select
    company_id,
    agenda_id,
    call_state,
    case call_state
        when 'call_back' then agreed_until
        when 'resting' then rests_until
        when 'client_messaged' then held_until
    end as callable_at
from decided
