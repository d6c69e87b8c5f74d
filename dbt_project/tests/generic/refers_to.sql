{# What a row refers to is there, under the same key; null refers to nothing. The last column of the
   key is the reference, what stands before it the company that both rows belong to. #}
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
