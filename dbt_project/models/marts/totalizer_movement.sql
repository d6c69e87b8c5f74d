with edition as (

    select * from {{ ref('stg_previous_edition') }}

),

movement as (

    select * from {{ ref('int_totalizer_row__movement') }}

)

select
    movement.company_id,
    movement.totalizer,
    movement.row_id,
    movement.agenda_id,
    movement.contact_date,
    movement.agent_id,
    movement.client_id,
    movement.direction,
    movement.bucket,
    movement.event,
    movement.agent_still_has_it,
    edition.as_of as previous_as_of,
    {{ as_of() }} as as_of
from movement
cross join edition
