{# Creates the table of a model, then inserts its rows, so that a distribution clause could be added
   between the two. Keys are added after the rows, which is faster, and the table is analyzed at
   once. Overrides the macro of dbt-postgres. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- if temporary -%}
    create temporary table {{ relation }} as (
        {{ sql }}
    );
    {%- elif not config.get('contract').enforced -%}
    create {{ 'unlogged' if config.get('unlogged') }} table {{ relation }} as (
        {{ sql }}
    ) with no data;
    insert into {{ relation }} (
        {{ sql }}
    );
    analyze {{ relation }};
    {%- else -%}
    {{ get_assert_columns_equivalent(sql) }}
    create {{ 'unlogged' if config.get('unlogged') }} table {{ relation }} (
        {{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(', ') }}
    );
    insert into {{ relation }} ({{ get_column_names() }}) (
        {{ get_select_subquery(sql) }}
    );
    {%- for constraint in adapter.render_raw_model_constraints(raw_constraints=model['constraints']) %}
    alter table {{ relation }} add {{ constraint }};
    {%- endfor %}
    {%- if config.get('schema') == 'marts_next' %}
    {{ row_policies(relation) }}
    {%- endif %}
    analyze {{ relation }};
    {%- endif -%}
{%- endmacro %}

{% macro get_column_names() -%}
    {{ adapter.dispatch('get_column_names', 'dbt')() }}
{%- endmacro %}
