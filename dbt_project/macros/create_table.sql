{# How a model becomes a table. The one place where a table is made: create, then insert, so that a
   line between the two could distribute it. Keys are added after the rows, which is quicker than
   keeping them while inserting, and the planner is told at once what the table holds. Replaces
   dbt-postgres's macro of the same name. #}
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
