with call as (

    select * from {{ ref('int_agenda__call') }}

),

person as (

    select * from {{ ref('int_agenda__person') }}

),

app_user as (

    select * from {{ ref('stg_app_user') }}

),

user_company as (

    select * from {{ ref('stg_user_company') }}

),

sees as (

    select
        user_id,
        company_id
    from app_user
    where active
    union
    select
        user_company.user_id,
        user_company.company_id
    from user_company
    inner join app_user on user_company.user_id = app_user.user_id
    where app_user.active

),

ranked as (

    select
        call.company_id,
        call.agenda_id,
        call.agent_id,
        call.place,
        person.person,
        case
            when sees.user_id is not null then 1
            when call.agent_id is not null then 2
            else 3
        end as agent_rank
    from call
    inner join person using (company_id, agenda_id)
    left join sees
        on
            call.company_id = sees.company_id
            and call.agent_id = sees.user_id

),

carded as (

    select
        company_id,
        agenda_id,
        person,
        place,
        min(place) over (partition by company_id, person) as first_place,
        first_value(agent_id) over (
            partition by company_id, person order by agent_rank, place
        ) as owner_id
    from ranked

)

select
    company_id,
    agenda_id,
    person,
    owner_id,
    dense_rank() over (partition by company_id, owner_id order by first_place) as card,
    row_number() over (partition by company_id, owner_id order by first_place, place) as position
from carded
