with client as (

    select * from {{ ref('stg_client') }}

)

select
    client.client_id,
    words.word,
    {{ name_order('client.name', 'words.word') }} as name_order
from client
cross join lateral {{ name_words('client.name') }} as words
