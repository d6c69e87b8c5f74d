{# The tables of the previous edition, while it still is `marts`. The columns that are read are
   listed here, since they are taken together or not at all: an edition that lacks one, because an
   older version published it, counts as none. `only` lists columns of this table, with their types,
   that are taken regardless of the others. #}

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
            'bucket_detail': 'text',
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
    {#- Read from the catalogue: dbt fills its list of relations one by one, and another thread may
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
