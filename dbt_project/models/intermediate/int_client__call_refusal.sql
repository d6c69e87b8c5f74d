with client_phone as (

    select * from {{ ref('int_client__phone') }}

),

call_flag as (

    select * from {{ ref('int_client__call_flag') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

refused_call as (

    select
        agenda.client_id,
        max(call_attempt.called_at) as refused_at
    from call_attempt
    inner join agenda using (company_id, agenda_id)
    where
        call_attempt.outcome = 'do_not_call'
        and agenda.client_id is not null
    group by agenda.client_id

),

-- A number that many clients have is no person: a placeholder, a fleet.
personal_number as (

    select phone_key
    from client_phone
    where phone_key is not null
    group by phone_key
    having count(*) <= 20

),

refused_number as (

    select
        phone_key,
        max(refused_call.refused_at) as refused_at
    from refused_call
    inner join client_phone using (client_id)
    inner join personal_number using (phone_key)
    group by phone_key

),

said as (

    select
        client_id,
        greatest(refused_call.refused_at, refused_number.refused_at) as call_refused_at,
        call_flag.turned_off_at,
        call_flag.turned_on_at
    from client_phone
    left join refused_call using (client_id)
    left join refused_number using (phone_key)
    left join call_flag using (client_id)

)

select
    client_id,
    greatest(call_refused_at, turned_off_at) as refused_at,
    case when turned_off_at > call_refused_at or call_refused_at is null then 'flag' else 'call' end
        as refused_by,
    turned_on_at as permitted_at
from said
where call_refused_at is not null or turned_off_at is not null
