with chatbot_option as (

    select * from {{ source('raw', 'chatbot_option') }}

)

select
    option_id,
    event_type_id,
    label,
    action,
    loss_reason_id
from chatbot_option
