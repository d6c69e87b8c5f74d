{# R7. Whether what happened at an instant belongs to the cycle: at or after its start. Without a
   start, everything does. #}
{% macro in_cycle(instant, cycle_start) -%}
    coalesce({{ instant }} >= {{ cycle_start }}, true)
{%- endmacro %}
