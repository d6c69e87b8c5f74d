{# Normalises names, phones and plates, so that stored and typed spellings match. #}

{# Lower and upper case by Unicode, whatever the locale of the database: in the locale C, `lower` of
   a database leaves É as it is. #}
{% macro lower_case(text) -%}
    lower({{ text }} collate "pg_c_utf8")
{%- endmacro %}

{% macro upper_case(text) -%}
    upper({{ text }} collate "pg_c_utf8")
{%- endmacro %}

{# Lower case without accents or leading spaces; every separator becomes a space. Translating is
   slow, so plain texts skip it, and texts with only Portuguese letters take a short form. #}
{% macro folded(text) -%}
    ltrim(case
        when {{ lower_case(text) }} !~ '[^a-z ]' then {{ lower_case(text) }}
        when {{ lower_case(text) }} !~ '[^a-záàâãéêíóôõúç ]'
            then translate({{ lower_case(text) }}, 'áàâãéêíóôõúç', 'aaaaeeiooouc')
        else translate(
            {{ lower_case('normalize(' ~ text ~ ', nfc)') }},
            'áàâãäåāéèêëēíìîïīóòôõöøōúùûüūçñýÿ.,;:!?-_/\()[]{}"''´`*+&#|' || chr(160) || chr(9),
            'aaaaaaaeeeeeiiiiiooooooouuuuucnyy                                        '
        )
    end)
{%- endmacro %}

{# Particles of Portuguese names, which do not distinguish names. #}
{% macro particles() -%}
    ('', 'da', 'das', 'de', 'di', 'do', 'dos', 'du', 'e')
{%- endmacro %}

{# The normalised name, cut to a length that fits an index. Normalising may lengthen it. #}
{% macro name_sought(name) -%}
    left({{ folded('left(' ~ name ~ ', 200)') }}, 200)
{%- endmacro %}

{# The words of a normalised name, as rows of one column. #}
{% macro name_words(name_sought) -%}
    (
        select distinct parts.part as word
        from string_to_table({{ name_sought }}, ' ') as parts (part)
        where parts.part not in {{ particles() }}
    )
{%- endmacro %}

{# All words of a name as one text, whatever their order, so that a full name is found at once even
   if many others contain its words. The argument is a sorted array. #}
{% macro whole_name(words) -%}
    array_to_string({{ words }}, ' ')
{%- endmacro %}

{# The words of a normalised name, as a sorted array. #}
{% macro words_in_order(name_sought) -%}
    array(select t.word from {{ name_words(name_sought) }} as t order by t.word collate "C")
{%- endmacro %}

{# The sort key of a name among those that contain the word: names that begin with it first, then by
   name. #}
{% macro name_order(name_sought, word) -%}
    case when split_part({{ name_sought }}, ' ', 1) = {{ word }} then '1 ' else '2 ' end
    || {{ name_sought }}
{%- endmacro %}

{# The normalised name within a sort key. #}
{% macro name_in_order(name_order) -%}
    substr({{ name_order }}, 3)
{%- endmacro %}

{# The word, and the word with each letter removed: two words that differ by one letter added,
   removed, replaced or moved share one of these. Short words are taken as they are. #}
{% macro one_left_out(word) -%}
    array(
        select left({{ word }}, places.place - 1) || substr({{ word }}, places.place + 1)
        from generate_series(1, length({{ word }})) as places (place)
        where length({{ word }}) between 4 and 20
        union all
        select {{ word }}
    )
{%- endmacro %}

{# The same with up to two letters removed, for long words. #}
{% macro two_left_out(word) -%}
    array(
        select
            left({{ word }}, places.place - 1)
            || substr({{ word }}, places.place + 1, later.place - places.place - 1)
            || substr({{ word }}, later.place + 1)
        from
            generate_series(1, length({{ word }})) as places (place),
            generate_series(places.place + 1, length({{ word }})) as later (place)
        where length({{ word }}) between 7 and 20
        union all
        select unnest({{ one_left_out(word) }})
    )
{%- endmacro %}

{# The text with only these characters kept. #}
{% macro only(text, signs) -%}
    translate({{ text }}, translate({{ text }}, '{{ signs }}', ''), '')
{%- endmacro %}

{# Digits without the country and leading zeros. #}
{% macro without_country(digits) -%}
    case
        when
            length(ltrim({{ digits }}, '0')) in (12, 13)
            and left(ltrim({{ digits }}, '0'), 2) = '55'
            then substr(ltrim({{ digits }}, '0'), 3)
        else ltrim({{ digits }}, '0')
    end
{%- endmacro %}

{# A phone as a search key: without the ninth digit (R10), last digit first, so that a number
   without DDD is a prefix. The argument has no country code. #}
{% macro phone_sought(number) -%}
    reverse(
        case
            when
                length({{ number }}) = 9
                and left({{ number }}, 1) = '9'
                and substr({{ number }}, 2, 1) in ('6', '7', '8', '9')
                then substr({{ number }}, 2)
            else coalesce({{ phone_key(number) }}, {{ number }})
        end
    )
{%- endmacro %}

{# A plate as a search key, the same for the old and the Mercosul spelling: the fifth character as a
   letter (0 is A). A partial plate gives a prefix. #}
{% macro plate_sought(signs) -%}
    left({{ signs }}, 4)
    || translate(substr({{ signs }}, 5, 1), '0123456789', 'ABCDEFGHIJ')
    || substr({{ signs }}, 6)
{%- endmacro %}

{% macro plate_signs() -%}
    ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789
{%- endmacro %}
