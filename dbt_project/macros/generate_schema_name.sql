{# A layer's schema is named by `+schema` in every environment; environments differ by database. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
