{# R7. Whether a time belongs to the cycle: at or after its start. Without a start every time
   does. #}
{% macro in_cycle(instant, cycle_start) -%}
    coalesce({{ instant }} >= {{ cycle_start }}, true)
{%- endmacro %}
