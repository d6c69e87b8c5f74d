{# What the edition published before this build held, while it still is `marts`. Which of its columns
   are looked at stands here, for they are taken together or not at all: an edition that lacks one,
   since an older version published it, counts as none. What follows from them, is not known here. #}

{% macro previous_rows(table) -%}
    {%- set tables = {
        'company': {'as_of': 'timestamptz'},
        'totalizer_row': {
            'company_id': 'text',
            'totalizer': 'text',
            'row_id': 'text',
            'agenda_id': 'text',
            'contact_date': 'date',
            'agent_id': 'text',
            'client_id': 'text',
            'bucket': 'text',
        },
        'agenda_status': {
            'company_id': 'text',
            'agenda_id': 'text',
            'is_open': 'boolean',
            'last_sent_at': 'timestamptz',
            'cycle_start': 'timestamptz',
            'response': 'text',
            'replied_at': 'timestamptz',
            'booking_id': 'text',
        },
    } -%}
    {%- set missing = [] -%}
    {%- if execute -%}
        {%- for name, columns in tables.items() -%}
            {%- set relation = adapter.get_relation(target.database, 'marts', name) -%}
            {%- set there = [] -%}
            {%- if relation -%}
                {%- for column in adapter.get_columns_in_relation(relation) -%}
                    {%- do there.append(column.name) -%}
                {%- endfor -%}
            {%- endif -%}
            {%- for column in columns if column not in there -%}
                {%- do missing.append(column) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set is_there = execute and not missing -%}
    select
    {%- for column, type in tables[table].items() %}
        cast({{ column if is_there else 'null' }} as {{ type }}) as {{ column }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    {%- if is_there %}
    from {{ adapter.get_relation(target.database, 'marts', table) }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
