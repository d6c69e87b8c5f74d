{# Finds rows that refer to a missing row; null passes. The last column of the key is the reference;
   the columns before it are the company shared by both rows. #}
{% test refers_to(model, key, to) %}
with referring as (

    select * from {{ model }}

),

referred as (

    select * from {{ to }}

)

select referring.{{ key[-1] }}
from referring
left join referred using ({{ key | join(', ') }})
where
    referring.{{ key[-1] }} is not null
    and referred.{{ key[-1] }} is null
{% endtest %}
