"""The suite over `marts_next`: is what was built fit to replace what is published?

Structure, the one instant, volume, shares, freshness, and change against the published edition and
the last days. Keys, references and sums are dbt's data tests. The counts are dbt's models in the
schema `measurements`; here are the limits.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.published_tables import COLUMNS, USUALLY_NOT_EMPTY
from checks.spec import (
    Check,
    Expectation,
    Measurement,
    Suite,
    rows_where,
    values_between,
    values_in_set,
)
from checks.zones import OFFSETS

SCHEMA = "marts_next"
LEAST_AGENDAS = 20  # of fewer agendas a share says nothing
HISTORY_DAYS = 3  # with fewer days of history a median says nothing
LEAST_CHANGE = 50
# The history holds an instant for each day.
HAS_ONE_INSTANT = tuple(
    table
    for table, columns in COLUMNS.items()
    if "as_of" in columns and table != "totalizer_history"
)

PUBLIC_COLUMNS = Measurement(
    "public_columns",
    """
    select
        expected.table_name,
        expected.column_name,
        exists (
            select from pg_attribute as attribute
            where attribute.attrelid = to_regclass('marts_next.' || expected.table_name)
                and attribute.attname = expected.column_name
                and attribute.attnum > 0
                and not attribute.attisdropped
        ) as is_there
    """
    + "from (values {}) as expected (table_name, column_name)".format(
        ", ".join(f"('{table}', '{column}')" for table in COLUMNS for column in COLUMNS[table])
    ),
)
TABLES = Measurement("tables", "select * from measurements.measured_table")
COMPANIES = Measurement("companies", "select * from measurements.measured_company")
EDITION = Measurement(
    "edition",
    """
    select
        cast(sum(published_agendas) as bigint) as published_agendas,
        cast(sum(agendas) as bigint) as agendas,
        (sum(published_agendas) - sum(agendas)) / nullif(sum(published_agendas), 0) as fallen_share
    from measurements.measured_company
    """,
)
TOTALIZERS = Measurement("totalizers", "select * from measurements.measured_totalizer")
FRESHNESS = Measurement(
    "freshness",
    """
    select
        table_name,
        round(cast(extract(epoch from as_of - data_until) / 3600 as numeric), 1) as hours
    from marts_next.source_freshness
    where table_name in ('agenda', 'dispatch')
    """,
)
ZONES = Measurement(
    "zones",
    f"""
    select timezone, timezone || ' ' || {OFFSETS.format(zone="timezone", around="{as_of}")}
        as zone_offsets
    from (select distinct timezone from marts_next.company) as used
    """,  # noqa: S608 — its parts are constants
)

HAS_COLUMNS = values_in_set(PUBLIC_COLUMNS, "is_there", [True])
IS_OF_ONE_INSTANT = values_in_set(TABLES, "as_of", "instants")
HAS_ROWS = values_between(
    TABLES,
    "row_count",
    min_value=1,
    row_condition=rows_where("table_name", "IN", list(USUALLY_NOT_EMPTY)),
)
IS_FRESH = values_between(FRESHNESS, "hours", max_value="stale_hours")


def _of_tables() -> Iterator[Check]:
    for table in COLUMNS:
        yield Check(
            f"{table}_has_its_columns",
            (SCHEMA, table),
            HAS_COLUMNS,
            ("column_name",),
            f"`{table}` exists with every column of its public interface.",
            f"A tabela {table} existe com todas as suas colunas.",
            subject=table,
            blocking=True,
        )
    for table in HAS_ONE_INSTANT:
        yield Check(
            f"{table}_is_of_one_instant",
            (SCHEMA, table),
            IS_OF_ONE_INSTANT,
            ("table_name",),
            f"Every row of `{table}` was computed as of the instant of the run (R3).",
            f"A tabela {table} foi calculada inteira para o instante da execução.",
            subject=table,
            blocking=True,
        )
    for table in USUALLY_NOT_EMPTY:
        yield Check(
            f"{table}_is_not_empty",
            (SCHEMA, table),
            HAS_ROWS,
            ("table_name",),
            f"`{table}` holds at least one row.",
            f"A tabela {table} tem linhas.",
            subject=table,
        )


def _of_agendas(
    name: str, expectation: Expectation, shown: str, description: str, screen: str
) -> Check:
    return Check(
        name,
        (SCHEMA, "agenda_status"),
        expectation,
        tuple(shown.split()),
        description,
        screen,
        blocking=name == "no_company_lost_all_agendas",
    )


def _share(column: str, limit: str, of: str) -> Expectation:
    return values_between(
        COMPANIES, column, max_value=limit, row_condition=rows_where(of, ">=", LEAST_AGENDAS)
    )


AGENDAS = (
    _of_agendas(
        "no_company_lost_all_agendas",
        values_between(
            COMPANIES,
            "agendas",
            min_value=1,
            row_condition=rows_where("published_agendas", ">=", 1),
        ),
        "company_id published_agendas",
        "A company that has agendas in the published edition still has some.",
        "Nenhuma empresa perdeu todas as suas agendas desde a edição publicada.",
    ),
    _of_agendas(
        "agendas_did_not_fall",
        values_between(EDITION, "fallen_share", max_value="agenda_drop_share"),
        "published_agendas agendas",
        "All companies together have not lost more than a set share of their agendas.",
        "O total de agendas não caiu além do limite desde a edição publicada.",
    ),
    _of_agendas(
        "agendas_of_no_company_fell",
        _share("fallen_share", "agenda_drop_share", of="published_agendas"),
        "company_id published_agendas agendas",
        "No company has lost more than a set share of its agendas.",
        "As agendas de nenhuma empresa caíram além do limite desde a edição publicada.",
    ),
    _of_agendas(
        "something_was_sent_today",
        values_in_set(
            COMPANIES, "has_sent_lately", [True], row_condition=rows_where("of_today", ">=", 1)
        ),
        "company_id of_today",
        "Each company with agendas today has sent a message today (early in the day: yesterday).",
        "Toda empresa com agendas hoje enviou alguma mensagem hoje (no início do dia: ontem).",
    ),
    _of_agendas(
        "most_phones_are_valid",
        _share("invalid_phone_share", "invalid_phone_share", of="with_client"),
        "company_id with_client invalid_phone",
        "In each company, most agendas with a client have a valid phone.",
        "Em cada empresa, a parcela de agendas com telefone inválido está dentro do limite.",
    ),
    _of_agendas(
        "most_agendas_have_a_client",
        _share("no_client_share", "no_client_share", of="agendas"),
        "company_id agendas without_client",
        "In each company, most agendas have a client.",
        "Em cada empresa, a parcela de agendas sem cliente está dentro do limite.",
    ),
    _of_agendas(
        "few_messages_of_today_failed",
        _share("failed_of_today_share", "failed_message_share", of="messages_of_today"),
        "company_id failed_of_today sent_of_today",
        "In each company, few agendas of today have a failed message and none that was sent.",
        "Em cada empresa, a parcela de disparos com falha nas agendas de hoje está no limite.",
    ),
    _of_agendas(
        "most_failures_are_explained",
        _share("unknown_error_share", "unknown_error_share", of="failed"),
        "company_id failed failed_for_unknown_reason",
        "In each company, few failed messages have a code that section 5 does not know.",
        "Em cada empresa, a parcela de falhas com código desconhecido está dentro do limite.",
    ),
)

CHANGE = Check(
    "totalizers_are_as_usual",
    (SCHEMA, "totalizer"),
    values_between(
        TOTALIZERS,
        "change_factor",
        max_value="totalizer_change_factor",
        strict_max=True,
        row_condition={
            "type": "and",
            "conditions": [
                rows_where("days", ">=", HISTORY_DAYS),
                rows_where("change", ">=", LEAST_CHANGE),
            ],
        },
    ),
    ("company_id", "totalizer", "agenda_count", "median"),
    "No totalizer of a company is far from its median of the last seven days.",
    "Nenhum totalizador está longe da sua mediana dos últimos sete dias.",
)


def _freshness() -> Iterator[Check]:
    for table, on_screen in (("agenda", "agendas"), ("dispatch", "disparos")):
        yield Check(
            f"{table}_is_fresh",
            (SCHEMA, "source_freshness"),
            IS_FRESH,
            ("table_name", "hours"),
            f"The newest version of `{table}` is not older than a set time.",
            f"Os dados de {on_screen} são recentes.",
            subject=table,
        )


SAME_ZONES = Check(
    "time_zones_are_the_same_everywhere",
    (SCHEMA, "company"),
    values_in_set(ZONES, "zone_offsets", "zone_offsets"),
    ("timezone",),
    "PostgreSQL, which decides every published value, and Python, which decides when schedules run,"
    " have the same offsets of each company's time zone for a year before and after.",
    "O banco de dados e os horários programados usam as mesmas regras de fuso horário.",
)

MARTS_SUITE = Suite("published", (*_of_tables(), *AGENDAS, CHANGE, *_freshness(), SAME_ZONES))
