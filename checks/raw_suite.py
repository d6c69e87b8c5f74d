"""The suite over the raw tables: did a whole delivery arrive, and what was set aside of it?"""

from __future__ import annotations

from collections.abc import Iterator

from checks.spec import (
    Check,
    Expectation,
    Measurement,
    Suite,
    rows_where,
    values_between,
    values_in_set,
)

# Without these there is nothing to compute for. Their names on screen.
_NEEDED = {"company": "empresas", "event_type": "tipos de evento"}
_OTHER_REFERENCES = {
    "app_user": "usuários",
    "user_company": "empresas dos usuários",
    "team": "equipes",
    "campaign": "campanhas",
    "loss_reason": "motivos da perda",
    "chatbot_option": "opções do chatbot",
}
_ENTITIES = {
    "client": "clientes",
    "vehicle": "veículos",
    "agenda": "agendas",
    "dispatch": "disparos",
    "booking": "agendamentos",
    "reply": "respostas",
    "passive_contact": "contatos passivos",
    "call_attempt": "ligações",
}
# The contract lets the file of `call_attempt` be missing.
_USUAL = {
    name: on_screen
    for name, on_screen in (_OTHER_REFERENCES | _ENTITIES).items()
    if name != "call_attempt"
}

RAW_TABLES = Measurement(
    "raw_tables",
    " union all ".join(
        f"select '{name}' as table_name, not exists (select from raw.{name}) as is_empty"  # noqa: S608
        for name in (*_NEEDED, *_USUAL)
    ),
)

SET_ASIDE = Measurement(
    "set_aside",
    """
    with last_loaded as (
        select max(delivery_id) as delivery_id from ops.delivery where status = 'loaded'
    ),

    rejected as (
        select delivery_file.table_name, delivery_file.delivery_id, delivery_file.rows_rejected
        from last_loaded
        inner join ops.delivery_file on delivery_file.delivery_id = last_loaded.delivery_id
    ),

    parked as (
        select rejected_row.table_name, count(*) as rows_parked
        from raw.rejected_row
        inner join ops.delivery on delivery.delivery_id = rejected_row.delivery_id
        where rejected_row.reason = 'unknown_reference'
            and delivery.started_at < {as_of} - interval '2 days'
        group by rejected_row.table_name
    )

    select
        coalesce(rejected.table_name, parked.table_name) as table_name,
        rejected.delivery_id,
        coalesce(rejected.rows_rejected, 0) as rows_rejected,
        coalesce(parked.rows_parked, 0) as rows_parked
    from rejected
    full join parked on parked.table_name = rejected.table_name
    """,
)

LEAST_ROWS = 20  # of fewer rows a share says nothing
MOST_PARKED = 0.5

# Of the newest file of each table, the rows that are still parked (R2).
PARKED = Measurement(
    "parked",
    """
    with newest_file as (
        select distinct on (table_name) table_name, file_name, delivery_id, rows_read
        from ops.delivery_file
        order by table_name, delivery_id desc
    ),

    waiting as (
        select
            newest_file.table_name,
            newest_file.file_name,
            newest_file.rows_read,
            rejected_row.column_name,
            sum(rejected_row.times) as rows_parked,
            array_to_string(
                (array_agg(distinct btrim(row_as_delivered ->> column_name)))[1:5], ', '
            ) as missing_ids
        from newest_file
        inner join raw.rejected_row
            on rejected_row.table_name = newest_file.table_name
            and rejected_row.last_delivery_id = newest_file.delivery_id
        where rejected_row.reason = 'unknown_reference'
        group by 1, 2, 3, 4
    )

    select
        table_name,
        file_name,
        rows_read,
        cast(sum(rows_parked) as bigint) as rows_parked,
        sum(rows_parked) / rows_read as parked_share,
        string_agg(column_name || ' ' || missing_ids, '; ' order by column_name) as missing_ids
    from waiting
    group by 1, 2, 3
    """,
)


def _share_parked(limit: str | float) -> Expectation:
    condition = rows_where("rows_read", ">=", LEAST_ROWS)
    return values_between(PARKED, "parked_share", max_value=limit, row_condition=condition)


FEW_PARKED = _share_parked("rejected_share")
NOT_MOSTLY_PARKED = _share_parked(MOST_PARKED)
HAS_ROWS = values_in_set(RAW_TABLES, "is_empty", [False])
NONE_REJECTED = values_between(SET_ASIDE, "rows_rejected", max_value=0)
NONE_PARKED = values_between(SET_ASIDE, "rows_parked", max_value=0)


def _checks() -> Iterator[Check]:
    for name, on_screen in (_NEEDED | _USUAL).items():
        yield Check(
            f"{name}_is_not_empty",
            ("raw", name),
            HAS_ROWS,
            ("table_name",),
            f"The source table `{name}` holds at least one row.",
            f"A origem tem {on_screen}.",
            subject=name,
            blocking=name in _NEEDED,
        )
    for name, on_screen in _ENTITIES.items():
        yield Check(
            f"{name}_had_no_row_rejected",
            ("raw", name),
            NONE_REJECTED,
            ("table_name", "delivery_id", "rows_rejected"),
            f"The last delivery had no row of `{name}` that was rejected (R2).",
            f"Nenhuma linha de {on_screen} foi rejeitada na última entrega.",
            subject=name,
        )
        yield Check(
            f"{name}_has_no_row_parked_for_long",
            ("raw", name),
            NONE_PARKED,
            ("table_name", "rows_parked"),
            f"No row of `{name}` has waited too long for a row it refers to (R2).",
            f"Nenhuma linha de {on_screen} espera há muito tempo por outra que ela cita.",
            subject=name,
        )
        shown = ("table_name", "file_name", "rows_parked", "rows_read", "missing_ids")
        yield Check(
            f"{name}_has_few_rows_parked",
            ("raw", name),
            FEW_PARKED,
            shown,
            f"Of the newest file of `{name}` few rows wait for a row they refer to (R2).",
            f"Do último arquivo de {on_screen}, poucas linhas esperam por outra que elas citam.",
            subject=name,
        )
        yield Check(
            f"{name}_is_not_mostly_parked",
            ("raw", name),
            NOT_MOSTLY_PARKED,
            shown,
            f"At most half of the newest file of `{name}` waits for rows it refers to (R2).",
            f"No máximo metade do último arquivo de {on_screen} espera por linhas que ele cita.",
            subject=name,
            blocking=True,
        )


RAW_SUITE = Suite("loaded", tuple(_checks()))
