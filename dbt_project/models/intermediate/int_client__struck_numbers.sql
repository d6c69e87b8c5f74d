with call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

numbers_since as (

    select * from {{ ref('int_client__numbers_since') }}

),

-- Calls at one time are one.
wrong_number as (

    select distinct
        call_attempt.company_id,
        agenda.client_id,
        call_attempt.called_at
    from call_attempt
    inner join agenda using (company_id, agenda_id)
    inner join numbers_since using (client_id)
    where
        call_attempt.outcome = 'wrong_number'
        and call_attempt.called_at >= numbers_since.numbers_since

),

followed as (

    select
        company_id,
        client_id,
        called_at - lag(called_at) over (
            partition by company_id, client_id order by called_at
        ) as after
    from wrong_number

)

select
    company_id,
    client_id,
    count(*) as struck_numbers
from followed
where coalesce(after >= interval '1 minute', true)
group by company_id, client_id
