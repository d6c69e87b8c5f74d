{# The search of the lookup page, `marts.search(sought, at_most)`: clients by name, phone, plate or
   agenda id, limited to those that the reader of the transaction may see (R14). Row policies would
   prevent the use of the indexes, so the function runs with the rights of its owner, asks the
   schema `access` for the reader, and returns only ids; the rows shown are read under the policies.
   It is created with the tables that it reads, in the schema that is published with them. #}
{% macro search_function() -%}
create or replace function {{ this.schema }}.search(sought text, at_most integer default 20)
returns table (kind text, company_id text, client_id text, agenda_id text, score real)
language plpgsql stable security definer
set search_path = marts, pg_temp
-- Few rows are read from large tables, whatever the planner estimates for arrays.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $body$
#variable_conflict use_column
declare
    enough constant integer := 5;
    candidates constant integer := 200;
    readable constant text[] := access.companies();
    agent constant text := access.agent();
    typed constant text := btrim(left(sought, 200));
    digits constant text := {{ only('typed', '0123456789') }};
    number constant text := {{ without_country('digits') }};
    phone constant text := {{ phone_sought('number') }};
    signs constant text := {{ only(upper_case('typed'), plate_signs()) }};
    plate constant text := {{ plate_sought('signs') }};
    most constant integer := least(greatest(at_most, 1), 200);
    name_typed constant text := {{ name_sought('typed') }};
    asked constant text[] := {{ words_in_order('name_typed') }};
    tokens constant text[] := array(
        select t from unnest(asked) as t order by length(t) desc, t collate "C" limit 6
    );
    words jsonb := '[]';
    clients text[] := '{}';
    companies text[] := '{}';
    names text[] := '{}';
    conditions text;
    led_by text[];
    forgiving integer;
begin
    if readable is null or typed = '' then
        return;
    end if;

    return query
    select 'agenda', a.company_id, a.client_id, a.agenda_id, real '1'
    from agenda_status as a
    where
        a.company_id = any(readable) and a.agenda_id = typed
        and (agent is null or a.agent_id = agent);
    -- A number may also be a phone.
    if found and typed <> digits then
        return;
    end if;

    if length(phone) >= 4 and typed collate "pg_c_utf8" !~ '[[:alpha:]]' then
        return query
        select distinct on (seen.client_id collate "C", seen.company_id collate "C")
            'phone', seen.company_id, seen.client_id, cast(null as text),
            cast(1.0 * length(phone) / length(k.search_key) as real)
        from search_key as k
        {{ seen_by_reader('k') }}
        where
            k.key_kind = 'phone'
            and k.search_key collate "C" >= phone and k.search_key collate "C" < phone || ':'
        limit most;
        return;
    end if;

    if plate ~ '^[A-Z]{3}[0-9]([A-J]([0-9]{0,2}))?$' then
        return query
        select distinct on (seen.client_id collate "C", seen.company_id collate "C")
            'plate', seen.company_id, seen.client_id, cast(null as text),
            cast(1.0 * length(plate) / length(k.search_key) as real)
        from search_key as k
        {{ seen_by_reader('k') }}
        where
            k.key_kind = 'plate'
            and k.search_key collate "C" >= plate and k.search_key collate "C" < plate || '~'
        limit most;
        return;
    end if;

    if cardinality(tokens) = 0 then
        return;
    end if;
    -- First names with exactly these words, then the words as typed, then as prefixes, then with
    -- typing errors.
    for forgiving in -1..2 loop
        continue when forgiving = -1 and cardinality(asked) = 1;
        exit when cardinality(clients) >= case forgiving when 2 then enough else most end;
        with token as materialized (
            select
                t.token, t.number,
                {{ one_left_out('t.token') }} as near_words,
                case when forgiving = 2 then {{ two_left_out('t.token') }} end as far_words
            from unnest(tokens) with ordinality as t (token, number)
        ),

        meant as (
            select token.number, w.word, real '1' as weight, w.client_count
            from token inner join search_word as w on token.token = w.word
            union all
            select token.number, w.word, real '0.9' as weight, w.client_count
            from token cross join lateral (
                select b.word, b.client_count from search_word as b
                where
                    forgiving >= 1 and (length(token.token) >= 2 or cardinality(tokens) > 1)
                    and b.word collate "C" > token.token
                    and b.word collate "C" < token.token || chr(1114111)
                order by b.client_count desc, b.word collate "C"
                limit 30
            ) as w
            union all
            select token.number, w.word, w.weight, w.client_count
            from token cross join lateral (
                select
                    f.word, f.client_count,
                    case when f.near_words && token.near_words then 0.8 else 0.6 end as weight
                from search_word as f
                where forgiving = 2 and f.far_words && token.far_words
                order by 3 desc, 2 desc, f.word collate "C"
                limit 20
            ) as w
        ),

        of_token as (
            select
                number, sum(client_count) as client_count,
                jsonb_agg(jsonb_build_object('word', word, 'weight', weight)) as words
            from meant
            group by number
        )

        select coalesce(jsonb_agg(words order by client_count), '[]') into words from of_token;
        continue when forgiving >= 0 and jsonb_array_length(words) < cardinality(tokens);

        -- The rarest word is looked up first; the name must contain the others too.
        led_by := array(select distinct w ->> 'word' from jsonb_array_elements(words -> 0) as w);
        select
            coalesce(string_agg(
                format(
                    ' and string_to_array({{ name_in_order('p.name_order') }}, '' '') && %L::text[]',
                    array(select w ->> 'word' from jsonb_array_elements(t.words) as w)
                ),
                ''
            ), '')
        into conditions
        from jsonb_array_elements(words) with ordinality as t (words, number)
        where t.number > 1;
        if forgiving = -1 then
            led_by := array[{{ whole_name('asked') }}];
            conditions := '';
        end if;
        execute format(
            'select array_agg(company_id), array_agg(client_id), array_agg(name) from ('
            ' select distinct f.company_id, f.client_id, {{ name_in_order('f.name_order') }} as name'
            ' from (' || case
                -- Of many clients with the same name, the first ones; otherwise there are few
                -- enough.
                when cardinality(led_by) = 1 and conditions = '' then
                    'select f.company_id, f.client_id, f.name_order'
                    ' from unnest($1) as own (company_id) cross join lateral ('
                    ' select p.company_id, p.client_id, p.name_order from search_name as p'
                    ' where p.company_id = own.company_id and p.word = $7[1] %s %s'
                    ' order by p.name_order collate "C" limit $8) as f'
                    ' order by f.name_order collate "C" limit $3) as f'
                else
                    'select p.company_id, p.client_id, p.name_order from search_name as p'
                    ' where p.company_id = any($1) and p.word = any($7) %s %s limit $3) as f'
            end || ' union select * from unnest($4, $5, $6)) as found',
            conditions,
            'and ($2 is null or exists ('
            ' select from agenda_status as a where a.company_id = p.company_id'
            ' and a.client_id = p.client_id and a.agent_id = $2) or exists ('
            ' select from passive_contact_status as c where c.company_id = p.company_id'
            ' and c.client_id = p.client_id and c.agent_id = $2))'
        )
        into companies, clients, names
        using readable, agent, candidates, companies, clients, names, led_by, most;
        companies := coalesce(companies, '{}');
        clients := coalesce(clients, '{}');
        names := coalesce(names, '{}');
    end loop;

    return query
    with meant as materialized (
        select t.number, w ->> 'word' as word, max(cast(w ->> 'weight' as real)) as weight
        from
            jsonb_array_elements(words) with ordinality as t (words, number),
            jsonb_array_elements(t.words) as w
        group by 1, 2
    ),

    scored as materialized (
        select
            f.company_id, f.client_id, f.name,
            (
                select cast(sum(best.weight) / cardinality(tokens) as real)
                from (
                    select max(meant.weight) as weight
                    from {{ name_words('f.name') }} as w
                    inner join meant on w.word = meant.word
                    group by meant.number
                ) as best
            ) as score
        from unnest(companies, clients, names) as f (company_id, client_id, name)
    )

    select 'name', s.company_id, s.client_id, cast(null as text), s.score
    from scored as s
    order by
        s.score desc,
        {{ words_in_order('s.name') }} = asked desc,
        s.name = name_typed desc,
        split_part(s.name, ' ', 1) in (select meant.word from meant) desc,
        s.name collate "C", s.client_id collate "C", s.company_id collate "C"
    limit most;
end
$body$;
comment on function {{ this.schema }}.search(text, integer) is
    'Clients and agendas by name, phone, plate or agenda id, as far as the reader may see them.';
{%- endmacro %}

{# The companies in which the reader may see a client: those with an agenda or a contact. #}
{% macro seen_by_reader(alias) -%}
cross join lateral (
            select a.company_id, a.client_id from agenda_status as a
            where
                a.company_id = any(readable) and a.client_id = {{ alias }}.client_id
                and (agent is null or a.agent_id = agent)
            union
            select c.company_id, c.client_id from passive_contact_status as c
            where
                c.company_id = any(readable) and c.client_id = {{ alias }}.client_id
                and (agent is null or c.agent_id = agent)
        ) as seen
{%- endmacro %}
