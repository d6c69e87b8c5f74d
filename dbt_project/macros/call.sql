{# R9. The first obstacle that keeps an agenda off the call list for good or until an event; null
   when it is to be phoned, now or after a wait. Needs `agenda`, `clock`, `response` and
   `whatsapp_status`. #}
{% macro call_obstacle() -%}
    case
        when not agenda.is_open then 'closed'
        when agenda.origin <> 'active' then 'passive'
        when agenda.contact_date > clock.local_date then 'contact_later'
        when response.response in ('call_requested', 'no_reply', 'awaiting_reply', 'not_sent')
            then null
        -- No message can follow.
        when
            response.response = 'replied'
            and whatsapp_status.reason_without_sent = 'opted_out'
            then null
        else response.response
    end
{%- endmacro %}
