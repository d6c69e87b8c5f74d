with source_freshness as (

    select * from {{ ref('stg_source_freshness') }}

)

select
    table_name,
    data_until,
    {{ as_of() }} as as_of
from source_freshness
