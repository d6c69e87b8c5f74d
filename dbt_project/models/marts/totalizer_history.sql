{{ config(materialized='view') }}

with totalizer_history as (

    select * from {{ source('history', 'totalizer_history') }}

)

select
    company_id,
    snapshot_date,
    totalizer,
    bucket,
    agenda_count,
    as_of
from totalizer_history
