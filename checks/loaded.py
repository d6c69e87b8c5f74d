"""The suite over the raw tables: did a whole delivery arrive?"""

from __future__ import annotations

from collections.abc import Iterator
from string import Template

from checks.declaration import Check, Measurement, Suite

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
    "\nunion all\n".join(
        Template(
            "select '$name' as table_name, not exists (select from raw.$name) as is_empty"
        ).substitute(name=name)
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
            and delivery.started_at < $as_of - make_interval(secs => $parked_days * 86400)
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


def _not_empty(name: str, on_screen: str, *, blocking: bool) -> Check:
    return Check(
        name=f"{name}_is_not_empty",
        table=("raw", name),
        over=RAW_TABLES,
        unexpected="select table_name from $batch where table_name = '$table' and is_empty",
        description=f"The source table `{name}` holds at least one row.",
        screen=f"A origem tem {on_screen}.",
        blocking=blocking,
    )


def _none_set_aside(name: str, on_screen: str) -> Iterator[Check]:
    yield Check(
        name=f"{name}_had_no_row_rejected",
        table=("raw", name),
        over=SET_ASIDE,
        unexpected="select table_name, delivery_id, rows_rejected from $batch"
        " where table_name = '$table' and rows_rejected > 0",
        description=f"The last delivery had no row of `{name}` that was rejected (R2).",
        screen=f"Nenhuma linha de {on_screen} foi rejeitada na última entrega.",
    )
    yield Check(
        name=f"{name}_has_no_row_parked_for_long",
        table=("raw", name),
        over=SET_ASIDE,
        unexpected="select table_name, rows_parked from $batch"
        " where table_name = '$table' and rows_parked > 0",
        description=f"No row of `{name}` has waited too long for a row it refers to (R2).",
        screen=f"Nenhuma linha de {on_screen} espera há muito tempo por outra que ela cita.",
    )


def _checks() -> Iterator[Check]:
    for name, on_screen in _NEEDED.items():
        yield _not_empty(name, on_screen, blocking=True)
    for name, on_screen in _USUAL.items():
        yield _not_empty(name, on_screen, blocking=False)
    for name, on_screen in _ENTITIES.items():
        yield from _none_set_aside(name, on_screen)


LOADED = Suite("loaded", tuple(_checks()))
