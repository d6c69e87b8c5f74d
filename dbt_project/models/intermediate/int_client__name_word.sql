with client as (

    select * from {{ ref('stg_client') }}

)

select
    client.client_id,
    words.word
from client
cross join lateral {{ name_words('client.name') }} as words
