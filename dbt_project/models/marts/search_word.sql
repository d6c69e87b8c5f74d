with name_word as (

    select * from {{ ref('int_client__name_word') }}

),

counted as (

    select
        word,
        count(*) as client_count
    from name_word
    where word not like '% %'
    group by word

)

select
    word,
    client_count,
    {{ one_left_out('word') }} as near_words,
    {{ two_left_out('word') }} as far_words
from counted
