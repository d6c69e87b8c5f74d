{# R4 and R10: normalises phone numbers as text. #}

{# R4. Removes spaces and `( ) . - +`. Every white space counts, the no-break space of pasted text
   included; since that search is slow, it is done only for numbers that need it. #}
{% macro clean_phone(number) -%}
    case
        when translate({{ number }}, ' ().-+0123456789', '') = ''
            then translate({{ number }}, ' ().-+', '')
        else translate(
            {{ number }},
            e' ().-+\t\n\u000b\f\r\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u2000\u2001\u2002'
            || e'\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
            ''
        )
    end
{%- endmacro %}

{# R4. Whether the text has only the digits 0-9 and one of the lengths. Null does not. #}
{% macro is_digits(number, lengths) -%}
    coalesce(
        length({{ number }}) in ({{ lengths | join(', ') }})
        and translate({{ number }}, '0123456789', '') = '',
        false
    )
{%- endmacro %}

{# R4. Whether a cleaned DDD and mobile are valid; only their lengths are checked. #}
{% macro is_valid_phone(ddd, mobile) -%}
    ({{ is_digits(ddd, [2]) }} and {{ is_digits(mobile, [8, 9]) }})
{%- endmacro %}

{# R10. A WhatsApp number without the country: digits only, a leading 55 dropped when there are 12
   or 13. Null for a text with a letter, such as the id of a user. What is a letter does not depend
   on the locale of the database. #}
{% macro national_number(whatsapp_number) -%}
    case
        when {{ whatsapp_number }} collate pg_c_utf8 !~ '[[:alpha:]]'
            then regexp_replace(
                regexp_replace({{ whatsapp_number }}, '[^0-9]', '', 'g'),
                '^55([0-9]{10,11})$', '\1'
            )
    end
{%- endmacro %}

{# R10. The key shared by all spellings of a number: DDD (2) and subscriber (8 or 9), a mobile
   without its ninth digit. Null for any other length. The number must hold digits only. #}
{% macro phone_key(number) -%}
    case
        when length({{ number }}) = 11
            and substr({{ number }}, 3, 1) = '9'
            and substr({{ number }}, 4, 1) in ('6', '7', '8', '9')
            then left({{ number }}, 2) || substr({{ number }}, 4)
        when length({{ number }}) in (10, 11) then {{ number }}
    end
{%- endmacro %}
