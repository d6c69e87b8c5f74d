"""What is measured of `marts_next`: the queries that read whole tables, each once."""

from __future__ import annotations

from string import Template

from checks.declaration import Comparison, Measurement
from checks.published_tables import COLUMNS

HAS_ONE_INSTANT = tuple(
    # The history holds one instant a day.
    table
    for table, columns in COLUMNS.items()
    if "as_of" in columns and table != "totalizer_history"
)

MISSING_COLUMNS = Measurement(
    "missing_columns",
    Template(
        """
        select
            expected.table_name,
            expected.column_name
        from (values $expected) as expected (table_name, column_name)
        where not exists (
            select from pg_attribute as attribute
            where attribute.attrelid = to_regclass('marts_next.' || expected.table_name)
                and attribute.attname = expected.column_name
                and attribute.attnum > 0
                and not attribute.attisdropped
        )
        """
    ).safe_substitute(
        expected=", ".join(
            f"('{table}', '{column}')" for table, columns in COLUMNS.items() for column in columns
        )
    ),
)

CONTENTS = Measurement(
    "contents",
    "union all".join(
        Template(
            """
            select
                '$table' as table_name,
                not exists (select from marts_next.$table) as is_empty,
                exists (
                    select from marts_next.$table where as_of is distinct from $as_of
                ) as has_another_instant
            """
        ).safe_substitute(table=table)
        for table in HAS_ONE_INSTANT
    ),
)

COMPANIES = Measurement(
    "companies",
    """
    with published as ($published),

    computed as (
        select
            agenda_status.company_id,
            count(*) as agendas,
            count(*) filter (where is_today) as of_today,
            max(last_sent_at) as last_sent_at,
            count(*) filter (where client_id is null) as without_client,
            count(client_id) as with_client,
            count(client_id) filter (where whatsapp_status = 'invalid_phone') as invalid_phone,
            count(*) filter (where is_today and whatsapp_status = 'sent') as sent_of_today,
            count(*) filter (where is_today and is_failed) as failed_of_today,
            count(*) filter (where is_open and is_failed) as failed,
            count(*) filter (
                where is_open and whatsapp_cause = 'unknown_error'
            ) as failed_for_unknown_reason
        from marts_next.agenda_status
        left join marts_next.company on company.company_id = agenda_status.company_id
        cross join lateral (
            select
                origin = 'active' and contact_date = company.local_date as is_today,
                -- The other two causes say that no message came back yet (R6).
                whatsapp_cause not in ('not_queued', 'queued') as is_failed
        ) as decided
        group by agenda_status.company_id
    ),

    sending as (
        select
            company_id,
            cast(
                case
                    when extract(hour from $as_of at time zone timezone) < $sending_starts_hour
                        then local_date - 1
                    else local_date
                end as timestamp
            ) at time zone timezone as since
        from marts_next.company
    )

    select
        coalesce(computed.company_id, published.company_id) as company_id,
        coalesce(published.agendas, 0) as published_agendas,
        coalesce(computed.agendas, 0) as agendas,
        coalesce(computed.of_today, 0) as of_today,
        coalesce(computed.last_sent_at >= sending.since, false) as has_sent_lately,
        coalesce(computed.without_client, 0) as without_client,
        coalesce(computed.with_client, 0) as with_client,
        coalesce(computed.invalid_phone, 0) as invalid_phone,
        coalesce(computed.sent_of_today, 0) as sent_of_today,
        coalesce(computed.failed_of_today, 0) as failed_of_today,
        coalesce(computed.failed, 0) as failed,
        coalesce(computed.failed_for_unknown_reason, 0) as failed_for_unknown_reason
    from computed
    full join published on published.company_id = computed.company_id
    left join sending on sending.company_id = computed.company_id
    """,
    Comparison(
        "published",
        "marts.agenda_status",
        "select company_id, count(*) as agendas from marts.agenda_status group by company_id",
        "select cast(null as text) as company_id, cast(null as bigint) as agendas where false",
    ),
)

TOTALIZERS = Measurement(
    "totalizers",
    """
    with history as ($history),

    today as (
        select company_id, totalizer, sum(agenda_count) as agenda_count
        from marts_next.totalizer
        group by company_id, totalizer
    ),

    recent as (
        select history.company_id, history.snapshot_date, history.totalizer,
            sum(history.agenda_count) as agenda_count
        from history
        inner join marts_next.company as company on company.company_id = history.company_id
        where history.snapshot_date between company.local_date - 7 and company.local_date - 1
        group by history.company_id, history.snapshot_date, history.totalizer
    ),

    day as (select distinct company_id, snapshot_date from recent),

    kind as (
        select company_id, totalizer from today
        union
        select company_id, totalizer from recent
    ),

    usual as (
        -- A totalizer without a row on a day counted nothing that day.
        select
            kind.company_id,
            kind.totalizer,
            count(*) as days,
            percentile_cont(0.5) within group (order by coalesce(recent.agenda_count, 0)) as median
        from kind
        inner join day on day.company_id = kind.company_id
        left join recent
            on recent.company_id = kind.company_id
            and recent.snapshot_date = day.snapshot_date
            and recent.totalizer = kind.totalizer
        group by kind.company_id, kind.totalizer
    )

    select
        usual.company_id,
        usual.totalizer,
        usual.days,
        usual.median,
        coalesce(today.agenda_count, 0) as agenda_count
    from usual
    left join today on today.company_id = usual.company_id and today.totalizer = usual.totalizer
    """,
    Comparison(
        "history",
        "history.totalizer_history",
        "select company_id, snapshot_date, totalizer, agenda_count from history.totalizer_history",
        "select cast(null as text) as company_id, cast(null as date) as snapshot_date,"
        " cast(null as text) as totalizer, cast(null as bigint) as agenda_count where false",
    ),
)

FRESHNESS = Measurement(
    "freshness",
    """
    select
        table_name,
        round(cast(extract(epoch from $as_of - data_until) / 3600 as numeric), 1) as hours
    from marts_next.source_freshness
    """,
)
