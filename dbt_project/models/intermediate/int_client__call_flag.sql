with client_version as (

    select * from {{ ref('stg_client_version') }}

),

compared as (

    select
        client_id,
        updated_at,
        accepts_calls,
        lag(accepts_calls, 1, true) over (
            partition by client_id order by updated_at
        ) as accepted_calls
    from client_version
    where accepts_calls is not null

)

select
    client_id,
    max(updated_at) filter (where not accepts_calls) as turned_off_at,
    max(updated_at) filter (where accepts_calls) as turned_on_at
from compared
where accepts_calls <> accepted_calls
group by client_id
