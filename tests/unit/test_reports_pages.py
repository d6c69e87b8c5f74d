# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""What the pages say: totals that add up, and one true sentence for every row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ingest.contract import SOURCE_TABLES
from reports import labels
from reports.pages import call_list, manager_day, totals
from reports.pages.company import Company
from reports.pages.totals import Count
from reports.render import render
from tests.unit.published_tables import HOSTILE_NAMES, TODAY

COMPANY = Company(
    company_id="c1",
    name="Oficina <Centro>",
    timezone="America/Sao_Paulo",
    local_date=TODAY,
    no_reply_days=2,
    dispatch_grace_hours=Decimal("12"),
    as_of=datetime(2026, 11, 20, 9, 0),
    data_until=datetime(2026, 11, 20, 8, 45),
)
SENT = datetime(2026, 11, 18, 9, 12)
NO_SHOW = datetime(2026, 11, 19, 11, 0)
ROW = call_list.ListedAgenda(
    company_id="c1",
    agent_id="a1",
    position=1,
    agenda_id="g1",
    call_reason="not_sent",
    call_detail="other",
    since=datetime(2026, 11, 20),
    phone="11987654321",
    attempts=0,
    last_attempt_at=None,
    last_outcome=None,
    contact_date=TODAY,
    whatsapp_status="other",
    whatsapp_cause="not_queued",
    last_sent_at=None,
    cycle_start=None,
    replied_at=None,
    days_without_reply=None,
    client_id="p1",
    client_name="Maria",
    vehicle_model="Onix",
    vehicle_plate="ABC1D23",
    event_type="Revisão",
    campaign="Revisões",
)

SENTENCES = [
    (
        {"call_reason": "no_reply", "since": SENT, "last_sent_at": SENT, "days_without_reply": 2},
        "Enviado 18/11 09:12; sem resposta há 2 dias; parâmetro 2 dias",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        {"call_reason": "call_requested", "since": NO_SHOW, "last_sent_at": SENT},
        "Pediu para ligar em 19/11 11:00",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        {"call_reason": "call_requested", "since": NO_SHOW, "whatsapp_status": "opted_out"},
        "Pediu para ligar em 19/11 11:00",
        "WhatsApp não enviado: o cliente não aceita mensagens",
    ),
    (
        {"call_detail": "invalid_phone"},
        "Mensagem não enviada: telefone inválido",
        "WhatsApp não enviado",
    ),
    (
        {"call_detail": "invalid_phone", "client_id": None, "client_name": None},
        "Mensagem não enviada: agenda sem cliente",
        "WhatsApp não enviado",
    ),
    (
        {"call_detail": "opted_out"},
        "Mensagem não enviada: o cliente não aceita mensagens",
        "WhatsApp não enviado",
    ),
    (
        {},
        "Mensagem não enviada: fora da fila do LEADZAP; prazo de 12 h vencido",
        "WhatsApp não enviado",
    ),
    (
        {"last_sent_at": SENT, "cycle_start": NO_SHOW, "whatsapp_status": "sent"},
        "No-show em 19/11 11:00; nova mensagem não enviada: fora da fila do LEADZAP",
        "WhatsApp não enviado desde o no-show de 19/11 11:00; último 18/11 09:12",
    ),
    (
        {"call_detail": "opted_out", "replied_at": NO_SHOW, "last_sent_at": SENT},
        "Respondeu em 19/11 11:00 e não aceita mensagens: nenhuma outra pode ser enviada",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        {"call_reason": "call_requested", "last_sent_at": NO_SHOW, "cycle_start": NO_SHOW},
        "Pediu para ligar em 20/11 00:00",
        "WhatsApp enviado 19/11 11:00",  # R7: at the start belongs to the cycle
    ),
]


@pytest.mark.parametrize(("changes", "reason", "signal"), SENTENCES)
def test_every_row_says_why_and_whether_a_message_went_out(
    changes: dict[str, object], reason: str, signal: str
) -> None:
    row = ROW._replace(**changes)
    assert call_list.reason_of(COMPANY, row) == reason
    assert call_list.signal_of(COMPANY, row).text == signal


@pytest.mark.parametrize("cause", labels.CAUSES)
def test_every_cause_is_said_in_words(cause: str) -> None:
    reason = call_list.reason_of(COMPANY, ROW._replace(whatsapp_cause=cause))
    assert labels.CAUSES[cause].words in reason
    assert cause not in reason


def built(*rows: call_list.ListedAgenda) -> list[call_list.CallRow]:
    page = call_list.build(COMPANY, "Maria", rows)
    return [row for group in page.groups for row in group.rows]


def test_attempts_are_told_with_the_last_outcome() -> None:
    last = {"last_attempt_at": NO_SHOW, "last_outcome": "no_answer"}
    rows = built(ROW, ROW._replace(attempts=1, **last), ROW._replace(attempts=3, **last))
    assert [row.attempts for row in rows] == [
        "Nenhuma ligação feita",
        "1 ligação: não atendeu, 19/11 11:00",
        "3 ligações; última: não atendeu, 19/11 11:00",
    ]


def test_the_order_and_positions_of_the_list_stay() -> None:
    reasons = ["call_requested", "call_requested", "no_reply", "not_sent"]
    rows = [
        ROW._replace(position=place, call_reason=reason)
        for place, reason in enumerate(reasons, start=1)
    ]
    page = call_list.build(COMPANY, "Maria", rows)
    assert [group.code for group in page.groups] == ["call_requested", "no_reply", "not_sent"]
    assert [row.position for group in page.groups for row in group.rows] == [1, 2, 3, 4]
    assert page.count == 4


def test_a_row_without_phone_or_vehicle_says_so() -> None:
    (row,) = built(ROW._replace(phone=None, vehicle_model=None, vehicle_plate=None))
    assert row.phone is None
    assert row.vehicle == "Sem veículo"
    html = render(call_list.build(COMPANY, "Maria", [ROW._replace(phone=None)]))
    assert "sem telefone válido" in html
    assert "tel:" not in html


def test_an_empty_list_says_so() -> None:
    assert "A lista está vazia" in render(call_list.build(COMPANY, "Maria", []))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_text(name: str) -> None:
    row = ROW._replace(
        client_name=name, vehicle_model=name, agenda_id=name, event_type=name, campaign=name
    )
    company = COMPANY._replace(name=name)
    html = render(call_list.build(company, name, [row]))
    assert "<script" not in html
    assert "<img" not in html
    day = manager_day.build(
        company,
        {("refused", "l"): Count(1, 1)},
        {"l": name},
        [],
        [manager_day.ListCount("a", name, 0, 0, 0)],
    )
    assert "<script" not in render(day)
    assert "<img" not in render(day)


codes = st.sampled_from(
    [(of, bucket) for of, buckets in labels.BUCKETS.items() for bucket in buckets]
    + [("refused", "l1"), ("refused", "dropped"), ("passive", "new_bucket")]
)
counts = st.dictionaries(codes, st.builds(Count, st.integers(0, 9), st.integers(0, 9)))


@given(counts)
def test_r11_a_total_is_the_sum_of_its_buckets(counted: dict[tuple[str, str], Count]) -> None:
    for total in totals.build(counted, {"l1": "Preço"}):
        of_total = [count for (code, _), count in counted.items() if code == total.code]
        assert total.count == (sum(c.today for c in of_total), sum(c.all_dates for c in of_total))


def test_r11_every_bucket_is_shown_and_reasons_are_named() -> None:
    built_totals = {total.code: total for total in totals.build({}, {"l1": "Preço"})}
    assert list(built_totals) == list(labels.TOTALIZERS)
    assert [b.label for b in built_totals["refused"].buckets] == ["Preço", "Sem motivo informado"]
    assert [b.label for b in built_totals["no_reply"].buckets] == [
        "Há 1 dia",
        "Há 2 dias",
        "Há 3 dias ou mais",
    ]
    assert all(b.count == (0, 0) for total in built_totals.values() for b in total.buckets)


def test_r11_a_loss_reason_that_was_dropped_is_shown_by_its_id() -> None:
    counted = {("refused", "gone"): Count(1, 2), ("refused", "unspecified"): Count(3, 4)}
    refused = next(t for t in totals.build(counted, {"l1": "Preço"}) if t.code == "refused")
    assert [b.label for b in refused.buckets] == ["gone", "Preço", "Sem motivo informado"]


def test_r12_the_share_sent_is_of_today_alone() -> None:
    counted = {
        ("active", "sent"): Count(7, 100),
        ("active", "other"): Count(1, 900),
        ("no_show", "manual"): Count(5, 5),
    }
    assert totals.sent_today(counted).text == "87,5%"
    assert totals.sent_today({("active", "sent"): Count(0, 9)}).text == "N/D"


def test_every_code_of_the_contract_that_a_page_shows_has_words() -> None:
    codes_of = {
        (table.name, column.name): set(column.codes)
        for table in SOURCE_TABLES
        for column in table.columns
    }
    assert set(labels.OUTCOMES) == codes_of["call_attempt", "outcome"]
