{# Finds values outside the closed list in any of the columns; null passes. One scan per table. #}
{% test known_codes(model, codes) %}
with checked as (

    select * from {{ model }}

)

select
    {{ codes | join(', ') }}
from checked
where
    {%- for column, values in codes.items() %}
    {{ 'or ' if not loop.first }}{{ column }} not in ('{{ values | join("', '") }}')
    {%- endfor %}
{% endtest %}
