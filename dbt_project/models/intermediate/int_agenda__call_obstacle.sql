with agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

candidate as (

    select * from {{ ref('int_agenda__call_candidate') }}

),

call_refusal as (

    select * from {{ ref('int_agenda__call_refusal') }}

)

select
    company_id,
    agenda_id,
    case
        when not agenda.is_open then 'closed'
        when agenda.origin <> 'active' then 'passive'
        -- It would wait, but not for a call.
        when candidate.agenda_id is not null then 'calls_refused'
        when agenda.contact_date > clock.local_date then 'contact_later'
        else response.response
    end as call_obstacle
from agenda
inner join clock using (company_id)
inner join response using (company_id, agenda_id)
left join candidate using (company_id, agenda_id)
left join call_refusal using (company_id, agenda_id)
where
    candidate.agenda_id is null
    or (candidate.wait_reason is not null and call_refusal.agenda_id is not null)
