{# R3 and local time: whether an event has happened, which version is in force, and local dates. #}

{# R3. The time for which the run computes. The project uses no other clock. #}
{% macro as_of() -%}
    {%- if execute and not var('as_of') -%}
        {{ exceptions.raise_compiler_error(
            "as_of is not set: pass --vars '{\"as_of\": \"<instant with an offset>\"}'"
        ) }}
    {%- endif -%}
    cast('{{ var("as_of") }}' as timestamptz)
{%- endmacro %}

{# R3. An event later than as_of has not happened: its time is null. #}
{% macro happened(instant) -%}
    case when {{ instant }} <= {{ as_of() }} then {{ instant }} end
{%- endmacro %}

{# R3. One version per key: the newest as of `as_of`, else the earliest known. #}
{% macro in_force(relation, key) -%}
    select distinct on ({{ key }}) *
    from {{ relation }}
    order by
        {{ key }},
        case when updated_at <= {{ as_of() }} then updated_at end desc nulls last,
        updated_at
{%- endmacro %}

{# The local time of a company. #}
{% macro local_time(instant, timezone) -%}
    ({{ instant }} at time zone {{ timezone }})
{%- endmacro %}

{# The beginning of a local date. Where midnight does not exist (clocks go forward over it) that is
   when the clocks change, as in PostgreSQL. Where midnight occurs twice (clocks go back over it)
   PostgreSQL returns the second; the first is midnight by the offset of the evening before,
   provided that time is on the date at all. #}
{% macro local_midnight(date, timezone) -%}
    {%- set midnight -%}
        (cast({{ date }} as timestamp) at time zone {{ timezone }})
    {%- endset -%}
    {%- set evening -%}
        ({{ midnight }} - interval '12 hours')
    {%- endset -%}
    {%- set evening_offset -%}
        (({{ evening }} at time zone {{ timezone }}) - ({{ evening }} at time zone 'UTC'))
    {%- endset -%}
    {%- set by_the_evening -%}
        ((cast({{ date }} as timestamp) - {{ evening_offset }}) at time zone 'UTC')
    {%- endset -%}
    case
        when cast({{ by_the_evening }} at time zone {{ timezone }} as date) = {{ date }}
            then least({{ by_the_evening }}, {{ midnight }})
        else {{ midnight }}
    end
{%- endmacro %}
