{# By what a client is found: words of a name, digits of a phone, signs of a plate, each brought to
   one form on both sides, what is stored and what is typed. Who may find whom, is not known here. #}

{# Lower case without accents, from its first word on; whatever parts words is a space. As looking for
   each of these signs is slow, only a text that may have one is, and mostly for the letters of
   Portuguese alone. #}
{% macro folded(text) -%}
    ltrim(case
        when lower({{ text }}) !~ '[^a-z ]' then lower({{ text }})
        when lower({{ text }}) !~ '[^a-záàâãéêíóôõúç ]'
            then translate(lower({{ text }}), 'áàâãéêíóôõúç', 'aaaaeeiooouc')
        else translate(
            lower(normalize({{ text }}, nfc)),
            'áàâãäåāéèêëēíìîïīóòôõöøōúùûüūçñýÿ.,;:!?-_/\()[]{}"''´`*+&#|' || chr(160) || chr(9),
            'aaaaaaaeeeeeiiiiiooooooouuuuucnyy                                        '
        )
    end)
{%- endmacro %}

{# What parts the words of Portuguese names and tells none of them from another. #}
{% macro particles() -%}
    ('', 'da', 'das', 'de', 'di', 'do', 'dos', 'du', 'e')
{%- endmacro %}

{# A name as it is sought: folded, and no longer than an index has room for. #}
{% macro name_sought(name) -%}
    {{ folded('left(' ~ name ~ ', 200)') }}
{%- endmacro %}

{# The words of a name as it is sought, as rows of one column. #}
{% macro name_words(name_sought) -%}
    (
        select distinct parts.part as word
        from string_to_table({{ name_sought }}, ' ') as parts (part)
        where parts.part not in {{ particles() }}
    )
{%- endmacro %}

{# All words of a name as one, whatever their order: the whole name is found at once, however many
   others have its words too. The words are an array in order. #}
{% macro whole_name(words) -%}
    array_to_string({{ words }}, ' ')
{%- endmacro %}

{# The words of a name as it is sought, as an array in order. #}
{% macro words_in_order(name_sought) -%}
    array(select t.word from {{ name_words(name_sought) }} as t order by t.word collate "C")
{%- endmacro %}

{# The order of those who have a word in their name as it is sought: whose name begins with it, then by
   name. #}
{% macro name_order(name_sought, word) -%}
    case when split_part({{ name_sought }}, ' ', 1) = {{ word }} then '1 ' else '2 ' end
    || {{ name_sought }}
{%- endmacro %}

{# The name as it is sought, out of that. #}
{% macro name_in_order(name_order) -%}
    substr({{ name_order }}, 3)
{%- endmacro %}

{# A word, and the word with a letter left out: two words that differ by one letter too many, too
   few, wrong or in another's place share one of these. Short words are taken as they are. #}
{% macro one_left_out(word) -%}
    array(
        select left({{ word }}, places.place - 1) || substr({{ word }}, places.place + 1)
        from generate_series(1, length({{ word }})) as places (place)
        where length({{ word }}) between 4 and 20
        union all
        select {{ word }}
    )
{%- endmacro %}

{# The same with up to two letters left out of a long word. #}
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

{# What is left of a text when only these signs stay. #}
{% macro only(text, signs) -%}
    translate({{ text }}, translate({{ text }}, '{{ signs }}', ''), '')
{%- endmacro %}

{# Digits without the country and a leading zero. #}
{% macro without_country(digits) -%}
    case
        when
            length(ltrim({{ digits }}, '0')) in (12, 13)
            and left(ltrim({{ digits }}, '0'), 2) = '55'
            then substr(ltrim({{ digits }}, '0'), 3)
        else ltrim({{ digits }}, '0')
    end
{%- endmacro %}

{# A phone as it is sought: without the ninth digit (R10), last digit first, so that what lacks the
   DDD is the beginning of what has it. The number has no country any more. #}
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

{# A plate's signs, the old and the Mercosul spelling as one: the fifth as a letter (0 is A). Of what
   is only the beginning of a plate, the beginning. #}
{% macro plate_sought(signs) -%}
    left({{ signs }}, 4)
    || translate(substr({{ signs }}, 5, 1), '0123456789', 'ABCDEFGHIJ')
    || substr({{ signs }}, 6)
{%- endmacro %}

{% macro plate_signs() -%}
    ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789
{%- endmacro %}
