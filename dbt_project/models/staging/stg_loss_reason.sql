with loss_reason as (

    select * from {{ source('raw', 'loss_reason') }}

)

select
    loss_reason_id,
    name
from loss_reason
