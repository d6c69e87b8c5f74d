with client as (

    select * from {{ ref('stg_client') }}

),

-- Materialized: a name is folded once, however many words it has.
named as materialized (

    select
        client_id,
        {{ name_sought('name') }} as name
    from client

)

select
    named.client_id,
    words.word,
    {{ name_order('named.name', 'words.word') }} as name_order
from named
cross join lateral {{ name_words('named.name') }} as words
