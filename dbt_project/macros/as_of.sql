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

{# The time from which the local clock no longer shows less than a local time. A time that occurs
   twice (clocks go back over it) means the second, as in PostgreSQL. For a skipped time (clocks go
   forward over it) it is when the clocks change, whereas PostgreSQL returns a time that is later by
   the length of the gap. Clocks change at whole minutes, so the first whole minute that shows
   enough is the change. #}
{% macro instant_of_local_time(local_time, timezone) -%}
    {%- set by_the_clock -%}
        ({{ local_time }} at time zone {{ timezone }})
    {%- endset -%}
    {%- set skipped -%}
        (({{ by_the_clock }} at time zone {{ timezone }}) - {{ local_time }})
    {%- endset -%}
    case
        when {{ skipped }} = interval '0' then {{ by_the_clock }}
        else (
            select min(minutes.minute)
            from generate_series(
                date_trunc('minute', {{ by_the_clock }} - {{ skipped }}),
                {{ by_the_clock }},
                interval '1 minute'
            ) as minutes (minute)
            where (minutes.minute at time zone {{ timezone }}) >= {{ local_time }}
        )
    end
{%- endmacro %}
