"""The suite over `marts_next`: is what was built fit to replace what is published?"""

from __future__ import annotations

from collections.abc import Iterator

from checks.declaration import Check, Suite
from checks.published_measurements import (
    COMPANIES,
    CONTENTS,
    FRESHNESS,
    HAS_ONE_INSTANT,
    MISSING_COLUMNS,
    TOTALIZERS,
)
from checks.published_tables import COLUMNS, USUALLY_NOT_EMPTY

SCHEMA = "marts_next"


def _structure() -> Iterator[Check]:
    for table in COLUMNS:
        yield Check(
            name=f"{table}_has_its_columns",
            table=(SCHEMA, table),
            over=MISSING_COLUMNS,
            unexpected="select column_name from $batch where table_name = '$table'",
            description=f"`{table}` exists with every column of its public interface.",
            screen=f"A tabela {table} existe com todas as suas colunas.",
            blocking=True,
        )


def _contents() -> Iterator[Check]:
    for table in HAS_ONE_INSTANT:
        yield Check(
            name=f"{table}_is_of_one_instant",
            table=(SCHEMA, table),
            over=CONTENTS,
            unexpected="select table_name from $batch"
            " where table_name = '$table' and has_another_instant",
            description=f"Every row of `{table}` was computed as of the instant of the run (R3).",
            screen=f"A tabela {table} foi calculada inteira para o instante da execução.",
            blocking=True,
        )
    for table in USUALLY_NOT_EMPTY:
        yield Check(
            name=f"{table}_is_not_empty",
            table=(SCHEMA, table),
            over=CONTENTS,
            unexpected="select table_name from $batch where table_name = '$table' and is_empty",
            description=f"`{table}` holds at least one row.",
            screen=f"A tabela {table} tem linhas.",
        )


def _of_agendas(
    name: str,
    unexpected: str,
    description: str,
    screen: str,
    *,
    blocking: bool = False,
    compares: bool = False,
) -> Check:
    return Check(
        name=name,
        table=(SCHEMA, "agenda_status"),
        over=COMPANIES,
        unexpected=unexpected,
        description=description,
        screen=screen,
        blocking=blocking,
        compares=compares,
    )


AGENDAS = (
    _of_agendas(
        "no_company_lost_all_agendas",
        "select company_id, published_agendas from $batch"
        " where published_agendas > 0 and agendas = 0",
        "A company that has agendas in the published edition still has some.",
        "Nenhuma empresa perdeu todas as suas agendas desde a edição publicada.",
        blocking=True,
        compares=True,
    ),
    _of_agendas(
        "agendas_did_not_fall",
        "select sum(published_agendas) as published_agendas, sum(agendas) as agendas from $batch"
        " having sum(agendas) < sum(published_agendas) * (1 - $agenda_drop_share)",
        "All companies together have not lost more than a set share of their agendas.",
        "O total de agendas não caiu além do limite desde a edição publicada.",
        compares=True,
    ),
    _of_agendas(
        "agendas_of_no_company_fell",
        "select company_id, published_agendas, agendas from $batch"
        " where published_agendas >= $least_agendas and agendas > 0"
        " and agendas < published_agendas * (1 - $agenda_drop_share)",
        "No company has lost more than a set share of its agendas.",
        "As agendas de nenhuma empresa caíram além do limite desde a edição publicada.",
        compares=True,
    ),
    _of_agendas(
        "something_was_sent_today",
        "select company_id, of_today from $batch where of_today > 0 and not has_sent_lately",
        "Each company with agendas today has sent a message today (early in the day: yesterday).",
        "Toda empresa com agendas hoje enviou alguma mensagem hoje (no início do dia: ontem).",
    ),
    _of_agendas(
        "most_phones_are_valid",
        "select company_id, with_client, invalid_phone from $batch"
        " where with_client >= $least_agendas"
        " and invalid_phone > with_client * $invalid_phone_share",
        "In each company, most agendas with a client have a valid phone.",
        "Em cada empresa, a parcela de agendas com telefone inválido está dentro do limite.",
    ),
    _of_agendas(
        "most_agendas_have_a_client",
        "select company_id, agendas, without_client from $batch"
        " where agendas >= $least_agendas and without_client > agendas * $no_client_share",
        "In each company, most agendas have a client.",
        "Em cada empresa, a parcela de agendas sem cliente está dentro do limite.",
    ),
    _of_agendas(
        "few_messages_of_today_failed",
        "select company_id, failed_of_today, sent_of_today from $batch"
        " where failed_of_today + sent_of_today >= $least_agendas and failed_of_today"
        " > (failed_of_today + sent_of_today) * $failed_message_share",
        "In each company, few agendas of today have a failed message and none that was sent.",
        "Em cada empresa, a parcela de disparos com falha nas agendas de hoje está no limite.",
    ),
    _of_agendas(
        "most_failures_are_explained",
        "select company_id, failed, failed_for_unknown_reason from $batch"
        " where failed >= $least_agendas"
        " and failed_for_unknown_reason > failed * $unknown_error_share",
        "In each company, few failed messages have a code that section 5 does not know.",
        "Em cada empresa, a parcela de falhas com código desconhecido está dentro do limite.",
    ),
)

CHANGE = Check(
    name="totalizers_are_as_usual",
    table=(SCHEMA, "totalizer"),
    over=TOTALIZERS,
    unexpected="""
        select company_id, totalizer, agenda_count, median from $batch
        where days >= $history_days
            and abs(agenda_count - median) >= $totalizer_change_least
            and greatest(agenda_count, median)
            >= least(agenda_count, median) * $totalizer_change_factor
    """,
    description="No totalizer of a company is far from its median of the last seven days.",
    screen="Nenhum totalizador está longe da sua mediana dos últimos sete dias.",
    compares=True,
)


def _freshness() -> Iterator[Check]:
    for table, on_screen in (("agenda", "agendas"), ("dispatch", "disparos")):
        yield Check(
            name=f"{table}_is_fresh",
            table=(SCHEMA, "source_freshness"),
            over=FRESHNESS,
            unexpected="select table_name, hours from $batch"
            " where table_name = '$subject' and hours > $stale_hours",
            subject=table,
            description=f"The newest version of `{table}` is not older than a set time.",
            screen=f"Os dados de {on_screen} são recentes.",
        )


PUBLISHED = Suite("published", (*_structure(), *_contents(), *AGENDAS, CHANGE, *_freshness()))
