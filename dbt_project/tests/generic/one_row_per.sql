{# Finds rows that share the key. #}
{% test one_row_per(model, key) %}
with checked as (

    select * from {{ model }}

)

select
    {{ key | join(', ') }},
    count(*) as rows_with_key
from checked
group by {{ key | join(', ') }}
having count(*) > 1
{% endtest %}
