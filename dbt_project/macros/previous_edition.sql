{# What the edition published before this build held, while it still is `marts`. Which of its columns
   are looked at stands here, for they are taken together or not at all: an edition that lacks one,
   since an older version published it, counts as none. `only` are columns, with their types, of this
   one table that are taken apart from the others. What follows from them, is not known here. #}

{% macro previous_rows(table, only=none) -%}
    {%- set tables = {table: only} if only else {
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
    {%- set needed = [] -%}
    {%- for name, columns in tables.items() -%}
        {%- for column in columns -%}
            {%- do needed.append("('" ~ name ~ "', '" ~ column ~ "')") -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- Asked of the catalogue: dbt's list of relations is filled one by one, and another thread may
        see half of it. -#}
    {%- set lacking -%}
        select count(*)
        from (values {{ needed | join(', ') }}) as needed (table_name, column_name)
        where not exists (
            select from pg_attribute
            where
                attrelid = to_regclass('marts.' || table_name) and attname = column_name
                and not attisdropped
        )
    {%- endset -%}
    {%- set is_there = execute and run_query(lacking).rows[0][0] == 0 -%}
    select
    {%- for column, type in tables[table].items() %}
        cast({{ column if is_there else 'null' }} as {{ type }}) as {{ column }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    {%- if is_there %}
    from {{ api.Relation.create(database=target.database, schema='marts', identifier=table) }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
