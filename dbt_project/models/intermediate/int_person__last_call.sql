with person as (

    select * from {{ ref('int_agenda__person') }}

),

call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

last_call as (

    select distinct on (person.company_id, person.person)
        person.company_id,
        person.person,
        person.agenda_id,
        call_attempt.called_at,
        call_attempt.call_back_at
    from call_attempt
    inner join person using (company_id, agenda_id)
    order by
        person.company_id,
        person.person,
        call_attempt.called_at desc,
        call_attempt.attempt_id collate "C" desc

)

select
    last_call.company_id,
    last_call.person,
    last_call.called_at,
    -- An agreement counts as long as its agenda is due.
    case
        when candidate.agenda_id is not null and candidate.wait_reason is null
            then last_call.call_back_at
    end as call_back_at
from last_call
left join candidate using (company_id, agenda_id)
