with search_key as (

    select * from {{ ref('int_client__search_key') }}

)

select
    key_kind,
    search_key,
    client_id
from search_key
