with agenda as (

    select * from {{ ref('stg_agenda') }}

),

client_phone as (

    select * from {{ ref('int_client__phone') }}

),

member as (

    select distinct
        agenda.company_id,
        client_id,
        client_phone.phone_key
    from agenda
    inner join client_phone using (client_id)

),

-- Where more clients share a number, it is a placeholder or a fleet, and each is a person.
shared as (

    select
        company_id,
        phone_key
    from member
    where phone_key is not null
    group by company_id, phone_key
    having count(*) between 2 and 5

)

select
    agenda.company_id,
    agenda.agenda_id,
    case
        when agenda.client_id is null then 'agenda ' || agenda.agenda_id
        when shared.phone_key is not null then 'number ' || shared.phone_key
        else 'client ' || agenda.client_id
    end as person
from agenda
left join client_phone on agenda.client_id = client_phone.client_id
left join shared
    on
        agenda.company_id = shared.company_id
        and client_phone.phone_key = shared.phone_key
