with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

passive_contact_status as (

    select * from {{ ref('passive_contact_status') }}

),

name_word as (

    select * from {{ ref('int_client__name_word') }}

),

client_of_company as (

    select
        company_id,
        client_id
    from agenda_status
    union
    select
        company_id,
        client_id
    from passive_contact_status

)

select
    client_of_company.company_id,
    name_word.word,
    name_word.client_id,
    name_word.name_order
from client_of_company
inner join name_word using (client_id)
-- Clustered for the search: names of a company that share a word are adjacent.
order by 1, 2, name_word.name_order collate "C"
