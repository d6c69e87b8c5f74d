{# R11. By what event a row entered or left a total: the first that explains the move, from the row
   (`moved`) and what its agenda was in the previous edition (`agenda_before`) and is (`agenda_now`).
   A total that counts closed agendas too is not left by closing; a reply moves an agenda only among
   the totals that ask for one; what nothing here explains (another origin, another parameter) is
   `changed`. #}
{% macro movement_event() -%}
    {%- set only_open -%}
        moved.totalizer in ('active', 'no_show', 'call_requested', 'no_reply')
    {%- endset -%}
    {%- set has_new_reply -%}
        moved.totalizer in ('refused', 'call_requested', 'no_reply')
        and agenda_now.replied_at is not null
        and (agenda_now.replied_at is distinct from agenda_before.replied_at)
    {%- endset -%}
    {%- set booked = "('booked', 'booked_elsewhere')" -%}
    case
        when moved.totalizer = 'passive' and moved.direction = 'entered' then 'contacted'
        when moved.totalizer = 'passive' then 'gone'
        when agenda_before.agenda_id is null then 'created'
        when agenda_now.agenda_id is null then 'gone'
        when {{ only_open }} and agenda_before.is_open and not agenda_now.is_open then 'closed'
        when {{ only_open }} and not agenda_before.is_open and agenda_now.is_open then 'reopened'
        when moved.totalizer = 'active' then 'changed'
        when
            agenda_now.response in {{ booked }}
            and (agenda_now.booking_id is distinct from agenda_before.booking_id)
            then 'booked'
        when {{ has_new_reply }} and agenda_now.response = 'refused' then 'refused'
        when {{ has_new_reply }} and agenda_now.response = 'call_requested' then 'call_requested'
        when {{ has_new_reply }} and agenda_now.response = 'replied' then 'replied'
        when moved.totalizer = 'no_show' and moved.direction = 'entered' then 'no_show'
        when moved.totalizer = 'no_show' then 'no_show_ended'
        when agenda_now.cycle_start > coalesce(agenda_before.cycle_start, '-infinity') then 'no_show'
        when (agenda_now.cycle_start is distinct from agenda_before.cycle_start) then 'no_show_ended'
        when
            moved.totalizer = 'no_reply'
            and moved.direction = 'entered'
            and agenda_before.response in ('awaiting_reply', 'not_sent')
            then 'deadline'
        when
            moved.totalizer = 'no_reply'
            and moved.direction = 'left'
            and (agenda_now.last_sent_at is distinct from agenda_before.last_sent_at)
            then 'message_sent'
        when agenda_before.response in {{ booked }} and agenda_now.response not in {{ booked }}
            then 'booking_ended'
        else 'changed'
    end
{%- endmacro %}
