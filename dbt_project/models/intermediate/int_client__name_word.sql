with client as (

    select * from {{ ref('stg_client') }}

),

-- Materialized, so that each name is normalised once.
named as materialized (

    select
        client_id,
        {{ name_sought('name') }} as name
    from client

),

worded as (

    select
        client_id,
        name,
        {{ words_in_order('name') }} as words
    from named

)

select
    worded.client_id,
    sought.word,
    {{ name_order('worded.name', 'sought.word') }} as name_order
from worded
cross join lateral unnest(
    case
        when cardinality(worded.words) > 1 then worded.words || {{ whole_name('worded.words') }}
        else worded.words
    end
) as sought (word)
