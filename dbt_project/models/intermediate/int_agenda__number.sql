with call_state as (

    select * from {{ ref('int_agenda__call_state') }}

),

agenda as (

    select * from {{ ref('stg_agenda') }}

),

client_phone as (

    select * from {{ ref('int_client__phone') }}

),

struck_numbers as (

    select * from {{ ref('int_client__struck_numbers') }}

),

left_over as (

    select
        agenda.company_id,
        agenda.agenda_id,
        client_phone.mobile,
        (
            array_remove(array[client_phone.mobile, client_phone.landline], null)
        )[coalesce(struck_numbers.struck_numbers, 0) + 1] as phone
    from call_state
    inner join agenda using (company_id, agenda_id)
    inner join client_phone using (client_id)
    left join struck_numbers
        on
            agenda.company_id = struck_numbers.company_id
            and agenda.client_id = struck_numbers.client_id
    where call_state.call_state = 'listed'

)

select
    company_id,
    agenda_id,
    phone,
    case when phone = mobile then 'mobile' else 'landline' end as phone_kind
from left_over
where phone is not null
