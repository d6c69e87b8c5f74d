with agenda as (

    select * from {{ ref('stg_agenda') }}

),

call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

reply as (

    select * from {{ ref('int_reply__action') }}

),

client_refusal as (

    select * from {{ ref('int_client__call_refusal') }}

),

-- Without a client the agenda speaks for itself.
refused as (

    select
        agenda.company_id,
        agenda.agenda_id,
        client_refusal.refused_at,
        client_refusal.refused_by,
        client_refusal.permitted_at
    from agenda
    inner join client_refusal using (client_id)
    union all
    select
        company_id,
        agenda_id,
        max(call_attempt.called_at) as refused_at,
        'call' as refused_by,
        null as permitted_at
    from agenda
    inner join call_attempt using (company_id, agenda_id)
    where
        agenda.client_id is null
        and call_attempt.outcome = 'do_not_call'
    group by company_id, agenda_id

),

permission as (

    select
        company_id,
        agenda_id,
        replied_at as permitted_at
    from reply
    where action = 'call_me'
    union all
    select
        company_id,
        agenda_id,
        called_at as permitted_at
    from call_attempt
    where call_back_at is not null
    union all
    select
        company_id,
        agenda_id,
        permitted_at
    from refused
    where permitted_at is not null

),

lifted as (

    select
        company_id,
        agenda_id,
        max(permitted_at) as permitted_at
    from permission
    group by company_id, agenda_id

)

select
    company_id,
    agenda_id,
    refused.refused_at,
    refused.refused_by
from refused
left join lifted using (company_id, agenda_id)
where coalesce(lifted.permitted_at <= refused.refused_at, true)
