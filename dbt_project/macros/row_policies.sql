{# R14 as row level security: which rows of a published table a reader of the lookup page may
   see. The schema `access` holds the reader of the transaction; without one no row is visible.
   Policies are created with the table, so that no table lacks them. The owner and its members
   see all rows. #}

{% macro row_policies(relation) -%}
    {%- set readable = rows_of_reader(model['name'], relation.identifier) -%}
    alter table {{ relation }} enable row level security;
    alter table {{ relation }} force row level security;
    create policy owner on {{ relation }} to current_user using (true);
    {%- if readable %}
    create policy reader on {{ relation }} for select using ({{ readable }});
    {%- endif %}
{%- endmacro %}

{# The condition on a row; `none` for a table that no reader sees. For tables not listed here it
   follows from the columns: with an agent, an attendant sees their own rows and a manager all rows
   of their companies; without one, only managers see rows. Each call about the reader is a
   subquery, so that it is evaluated once and not for every row. #}
{% macro rows_of_reader(table, alias) -%}
    {%- set columns = model['columns'].keys() | list -%}
    {%- set of_companies = 'company_id = any(cast((select access.companies()) as text[]))' -%}
    {%- set is_manager = '(select access.agent()) is null' -%}
    {%- set of_agent = 'agent_id = (select access.agent())' -%}
    {%- set of_self = 'user_id = (select access.user_id())' -%}
    {%- if table in ['search_word', 'search_name', 'search_key'] -%}
        {{ return(none) }}
    {%- elif table in ['campaign', 'event_type', 'loss_reason', 'source_freshness'] -%}
        {{ return('(select access.companies()) is not null') }}
    {%- elif table in ['company', 'team'] -%}
        {{ return(of_companies) }}
    {%- elif table == 'user_company' -%}
        {{ return(of_companies ~ ' or ' ~ of_self) }}
    {%- elif table == 'app_user' -%}
        {%- set is_member = exists_for('user_company', 'user_id', alias) -%}
        {%- set has_rows = exists_for('totalizer', 'agent_id', alias, 'user_id') -%}
        {{ return([of_companies, of_self, is_member, has_rows] | join(' or ')) }}
    {%- elif table in ['client', 'vehicle'] -%}
        {%- set has_agenda = exists_for('agenda_status', 'client_id', alias) -%}
        {%- set has_contact = exists_for('passive_contact_status', 'client_id', alias) -%}
        {{ return(has_agenda ~ ' or ' ~ has_contact) }}
    {%- elif table == 'totalizer_movement' -%}
        {%- set of_agent_still = '(' ~ of_agent ~ ' and agent_still_has_it)' -%}
        {{ return(of_companies ~ ' and (' ~ is_manager ~ ' or ' ~ of_agent_still ~ ')') }}
    {%- elif table in ['agenda_status', 'dispatch', 'reply', 'booking'] -%}
        {%- set on_their_list = of_call_list('agenda_id', alias) -%}
        {{ return(of_companies ~ ' and (' ~ [is_manager, of_agent, on_their_list] | join(' or ') ~ ')') }}
    {%- elif table == 'phone_call' -%}
        {%- set seen = [
            is_manager, of_self, of_agent,
            of_call_list('agenda_id', alias), of_call_list('client_id', alias),
        ] -%}
        {{ return(of_companies ~ ' and (' ~ seen | join(' or ') ~ ')') }}
    {%- elif 'company_id' in columns and 'agent_id' in columns -%}
        {{ return(of_companies ~ ' and (' ~ is_manager ~ ' or ' ~ of_agent ~ ')') }}
    {%- elif 'company_id' in columns -%}
        {{ return(of_companies ~ ' and ' ~ is_manager) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "row_policies.sql does not say who may see the rows of " ~ table
        ) }}
    {%- endif -%}
{%- endmacro %}

{# Whether the reader may see a row with the same key in another table, under the policy of that
   table. `own_key` is the name of the key in this table. The model lists the other table in a
   `depends_on`. #}
{% macro exists_for(table, key, alias, own_key=none) -%}
    {{- return(
        'exists (select from ' ~ ref(table).render() ~ ' as seen where seen.' ~ key ~ ' = '
        ~ adapter.quote(alias) ~ '.' ~ (own_key or key) ~ ')'
    ) -}}
{%- endmacro %}

{# Whether an agenda or client of the row is on a call list that the reader may see: an attendant also
   sees the other agendas of a card on their list, with what belongs to them. #}
{% macro of_call_list(key, alias) -%}
    {%- set row = adapter.quote(alias) -%}
    {{- return(
        'exists (select from ' ~ ref('call_list').render() ~ ' as seen where seen.company_id = '
        ~ row ~ '.company_id and seen.' ~ key ~ ' = ' ~ row ~ '.' ~ key ~ ')'
    ) -}}
{%- endmacro %}

{# A view is read with the rights of its reader, so that the policies of its tables apply. Overrides
   the macro of dbt-postgres. #}
{% macro postgres__create_view_as(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create view {{ relation }} with (security_invoker = true) as (
        {{ sql }}
    );
{%- endmacro %}
