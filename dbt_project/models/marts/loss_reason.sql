with loss_reason as (

    select * from {{ ref('stg_loss_reason') }}

)

select
    loss_reason_id,
    name
from loss_reason
