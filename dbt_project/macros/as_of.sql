{# R3, and the word "local" of the specification. What an instant means: whether it has happened,
   which version is in force, which local date it falls on. Which event it is, is not known here. #}

{# R3. The instant a run computes for. The project has no other clock. #}
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

{# R3. One version per key: the newest at as_of, else the earliest known. #}
{% macro in_force(relation, key) -%}
    select distinct on ({{ key }}) *
    from {{ relation }}
    order by
        {{ key }},
        case when updated_at <= {{ as_of() }} then updated_at end desc nulls last,
        updated_at
{%- endmacro %}

{# What the clock on the wall of a company shows at an instant. #}
{% macro local_time(instant, timezone) -%}
    ({{ instant }} at time zone {{ timezone }})
{%- endmacro %}

{# The first instant of a local date. Where midnight does not exist (clocks go forward over it) that
   is the moment the clocks change, which is what PostgreSQL answers too. Where midnight comes twice
   (clocks go back over it) PostgreSQL answers the second; the first is midnight by the offset of
   the evening before, if that instant is on the date at all. #}
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

{# The instant from which a clock that goes on from here no longer shows less than a local time.
   Where the time comes twice (clocks go back over it) that is the second, which is what PostgreSQL
   answers too. Where it is skipped (clocks go forward over it) it is the moment the clocks change;
   PostgreSQL answers as much later as the skipped time is long. Clocks change at whole minutes, so
   the first whole minute that shows enough is that moment. #}
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
