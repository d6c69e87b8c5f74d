with candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

own_calls as (

    select * from {{ ref('int_agenda__own_calls') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

person as (

    select * from {{ ref('int_agenda__person') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

-- Messages that still hold an agenda of their person, the newest of each agenda.
recent as (

    select
        company_id,
        person.person,
        person.agenda_id,
        messages.last_sent_at + company.no_reply_days * interval '24 hours' as holds_until
    from messages
    inner join person using (company_id, agenda_id)
    inner join company using (company_id)
    where messages.last_sent_at + company.no_reply_days * interval '24 hours' > {{ as_of() }}

),

-- The newest of all agendas, and the newest of all but that one: every agenda finds the newest of
-- the others among these two.
newest as (

    select
        recent.*,
        row_number() over (
            partition by company_id, person
            order by holds_until desc, agenda_id collate "C"
        ) as place
    from recent

),

held as (

    select
        candidate.company_id,
        candidate.agenda_id,
        newest.holds_until
    from candidate
    inner join person using (company_id, agenda_id)
    inner join newest
        on
            person.company_id = newest.company_id
            and person.person = newest.person
            and person.agenda_id <> newest.agenda_id
    where newest.place <= 2
    union all
    -- Its own messages hold it only after its latest reply; the others are as old as R8 wants.
    select
        candidate.company_id,
        candidate.agenda_id,
        response.cycle_sent_at + company.no_reply_days * interval '24 hours' as holds_until
    from candidate
    inner join response using (company_id, agenda_id)
    inner join company using (company_id)
    where response.cycle_sent_at > response.replied_at

)

select
    company_id,
    agenda_id,
    max(held.holds_until) as held_until
from held
inner join candidate using (company_id, agenda_id)
left join own_calls using (company_id, agenda_id)
where
    held.holds_until > {{ as_of() }}
    and candidate.wait_reason is null
    and candidate.call_reason in ('no_reply', 'not_sent')
    and own_calls.call_back_at is null
group by company_id, agenda_id
