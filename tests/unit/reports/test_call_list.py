# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""What a call list says: the order of R9, one true sentence for every row, and nobody to phone who
must not be.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import urljoin

import psycopg
import pytest

from orchestration.postgres.database import Database
from reports import formats, labels, paths, phrases
from reports.documents import Document, EditionContext
from reports.filters import EVERYTHING, Filters
from reports.pages import call_list
from reports.queries import call_list_counts
from reports.queries.agendas import AgendaRow
from reports.queries.call_list_counts import ListCount
from reports.queries.companies import find_companies
from reports.render import render
from reports.view_model import Page
from tests.unit.reports.agenda_row import COMPANY, LISTED, NO_SHOW, SENT, WAITING
from tests.unit.reports.published_tables import (
    AS_OF,
    EDITION,
    HOSTILE_NAMES,
    agendas,
    call,
    create,
    fill,
    insert,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SILENT = {"call_reason": "no_reply", "since": SENT, "last_sent_at": SENT, "days_without_reply": 2}
SENTENCES = [
    (
        SILENT,
        "Enviado 18/11 09:12; sem resposta há 2 dias; parâmetro 2 dias",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        SILENT | {"delivered_at": SENT},
        "Enviado 18/11 09:12, entregue 09:12; sem resposta há 2 dias; parâmetro 2 dias",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        SILENT | {"delivered_at": SENT + MINUTE, "read_at": SENT + DAY},
        "Enviado 18/11 09:12, entregue 09:13, lido 19/11 09:12; sem resposta há 2 dias; "
        "parâmetro 2 dias",
        "WhatsApp enviado 18/11 09:12",
    ),
    (
        SILENT | {"read_at": SENT + MINUTE},
        "Enviado 18/11 09:12, lido 09:13; sem resposta há 2 dias; parâmetro 2 dias",
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
    row = LISTED._replace(**changes)
    assert phrases.reason_of(COMPANY, row) == reason
    assert phrases.signal_of(COMPANY, row).text == signal


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"wait_reason": "awaiting_reply", "since": SENT, "delivered_at": SENT + MINUTE},
            "Enviado 18/11 09:12, entregue 09:13; aguardando resposta",
        ),
        ({}, "Mensagem ainda não enviada: na fila, sem sair ainda; prazo de 12 h em curso"),
        (
            {"cycle_start": NO_SHOW, "last_sent_at": SENT, "whatsapp_status": "sent"},
            "No-show em 19/11 11:00; nova mensagem ainda não enviada: na fila, sem sair ainda",
        ),
    ],
)
def test_who_waits_is_told_why(changes: dict[str, object], why: str) -> None:
    assert phrases.wait_of(COMPANY, WAITING._replace(**changes)) == why


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 11, 21, 9, 12), "21/11 09:12"),
        (datetime(2026, 11, 21, 9, 12, 0, 1), "21/11 09:13"),
        (datetime(2026, 11, 21, 23, 59, 59), "22/11 00:00"),
        (datetime(2026, 12, 31, 23, 59, 1), "01/01/2027 00:00"),
    ],
)
def test_nobody_is_phoned_early_for_seconds_that_are_not_shown(moment: datetime, said: str) -> None:
    assert phrases.callable_from(COMPANY, WAITING._replace(callable_at=moment)) == said


@pytest.mark.parametrize("cause", labels.CAUSES)
def test_every_cause_is_said_in_words(cause: str) -> None:
    reason = phrases.reason_of(COMPANY, LISTED._replace(whatsapp_cause=cause))
    assert labels.CAUSES[cause].words in reason
    assert cause not in reason


def list_of(rows: Sequence[AgendaRow], name: str = "Maria") -> ListCount:
    """A list's entry in the index: as many rows as are given, all for one reason."""
    listed = sum(row.call_position is not None for row in rows)
    return ListCount("a1", name, listed, 0, 0, len(rows) - listed)


def page_of(*rows: AgendaRow) -> call_list.CallListPage:
    said = [phrases.phrases_of(COMPANY, row) for row in rows]
    return call_list.build_call_list(COMPANY, list_of(rows), said)


def built(*rows: AgendaRow) -> list[call_list.CallRow]:
    return list(page_of(*rows).rows)


def test_attempts_are_told_with_the_last_outcome() -> None:
    last = {"last_attempt_at": NO_SHOW, "last_outcome": "no_answer"}
    rows = built(LISTED, LISTED._replace(attempts=1, **last), LISTED._replace(attempts=3, **last))
    assert [row.attempts for row in rows] == [
        "Nenhuma ligação feita",
        "1 ligação: não atendeu, 19/11 11:00",
        "3 ligações; última: não atendeu, 19/11 11:00",
    ]


def test_a_row_from_an_earlier_day_without_a_call_tells_its_age() -> None:
    page = page_of(
        LISTED, LISTED._replace(days_untried=1), LISTED._replace(days_untried=3, call_position=2)
    )
    assert [row.untried for row in page.rows] == [
        "",
        "Na lista há 1 dia, sem ligação",
        "Na lista há 3 dias, sem ligação",
    ]
    assert page.untried == 2
    assert "<strong>2</strong> de dias anteriores" in render(page)
    assert "de dias anteriores" not in render(page_of(LISTED))


def test_the_order_and_positions_of_the_list_stay() -> None:
    reasons = ["call_requested", "call_requested", "no_reply", "not_sent"]
    rows = [
        LISTED._replace(card=max(place - 1, 1), call_position=place, call_reason=reason)
        for place, reason in enumerate(reasons, start=1)
    ]
    page = page_of(*rows, WAITING)
    assert [reason.count for reason in page.reasons] == [2, 1, 1]
    assert [row.position for row in page.rows] == [1, 2, 3, 4]
    assert [bool(row.same_person) for row in page.rows] == [False, True, False, False]
    assert (page.count, page.waiting_count) == (4, 1)


def test_a_row_says_what_to_know_before_calling_and_when_it_was_agreed() -> None:
    agreed = datetime(2026, 11, 20, 11, 30)
    row = LISTED._replace(hints=["vehicle_booked", "shared_number"], call_back_at=agreed)
    (shown,) = built(row)
    assert shown.hints == (
        "o veículo já tem agendamento",
        "outro cliente da lista tem o mesmo número",
    )
    assert shown.reason == "Retorno combinado para 20/11 11:30"


@pytest.mark.parametrize(("reason", "words"), list(labels.WAIT_REASONS.items()))
def test_who_is_due_but_waits_is_told_why(reason: str, words: str) -> None:
    is_on_other_list = reason == "on_other_list"
    row = WAITING._replace(
        wait_reason=reason, callable_at=None if is_on_other_list else WAITING.callable_at
    )
    (shown,) = page_of(row).waiting
    assert shown.reason == words
    assert shown.callable_from == ("" if is_on_other_list else "20/11 12:00")
    html = render(page_of(row))
    assert ("na lista de outro atendente" in html) == is_on_other_list


def test_a_row_without_phone_or_vehicle_says_so() -> None:
    row = LISTED._replace(phone=None, vehicle_model=None, vehicle_plate=None)
    (shown,) = built(row)
    assert shown.phone is None
    assert shown.vehicle == "Sem veículo"
    html = render(page_of(row))
    assert "sem telefone válido" in html
    assert "tel:" not in html


def test_who_must_not_be_phoned_yet_has_no_number_on_the_page() -> None:
    html = render(page_of(WAITING._replace(phone="11987654321", mobile="987654321")))
    assert "A lista está vazia" in html
    assert "a partir de <strong>20/11 12:00</strong>" in html
    assert "tel:" not in html
    assert "98765" not in html
    assert "Baixar" not in html


def test_an_empty_list_says_so() -> None:
    html = render(page_of())
    assert "A lista está vazia" in html
    assert "Ainda não ligar" not in html.replace("“Ainda não ligar”", "")


def test_the_rows_of_both_parts_are_proved() -> None:
    said = [phrases.phrases_of(COMPANY, row) for row in (LISTED, WAITING)]
    page = call_list.build_call_list(COMPANY, ListCount("a1", "Maria", 1, 0, 0, 2), said)
    assert [identity.holds for identity in page.proof.identities] == [True, False]
    assert "não confere" in render(page)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_text(name: str) -> None:
    changes = dict.fromkeys(
        ("client_name", "vehicle_model", "agenda_id", "event_type", "campaign"), name
    )
    html = render(page_of(LISTED._replace(**changes), WAITING._replace(**changes)))
    assert html.count("<script") == 1  # the page's own
    assert "<img" not in html


# --- Written from tables ---------------------------------------------------------------------


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        create(connection)
        yield connection


def documents_of(conn: psycopg.Connection, company_id: str) -> dict[str, Document]:
    """Every document of a company's lists, by its path."""
    filters = Filters(access=EVERYTHING)
    scene = EditionContext(EDITION, filters, tuple(find_companies(conn, filters, EDITION)))
    company = next(one for one in scene.companies if one.company_id == company_id)
    entries = call_list_counts.with_unassigned(
        call_list_counts.find_call_lists(conn, filters).get(company_id, ())
    )
    made = list(call_list.call_list_documents(conn, scene, company, entries))
    assert len({document.path for document in made}) == len(made)
    return {document.path: document for document in made}


def pages_of(documents: dict[str, Document]) -> dict[str, str]:
    return {
        path: render(document.content)
        for path, document in documents.items()
        if isinstance(document.content, Page)
    }


def test_a_list_has_a_page_its_fichas_and_its_files_and_an_empty_one_a_page(
    conn: psycopg.Connection,
) -> None:
    fill(conn)
    documents = documents_of(conn, "c1")
    folder = paths.company_folder("c1")
    of_a1 = paths.list_file("a1").removesuffix(".html")
    of_waiting = paths.list_file("só espera").removesuffix(".html")
    of_empty = paths.list_file("a2").removesuffix(".html")
    assert documents[f"{folder}/{of_a1}.html"].rows == 3
    assert {path for path in documents if of_a1 in path} == {
        f"{folder}/{of_a1}.{ending}" for ending in ("html", "csv", "xlsx")
    }
    assert f"{folder}/{paths.fichas_file('a1', 1)}" in documents
    assert {path for path in documents if of_waiting in path} == {f"{folder}/{of_waiting}.html"}
    assert f"{folder}/{paths.fichas_file('só espera', 1)}" in documents
    assert {path for path in documents if of_empty in path} == {f"{folder}/{of_empty}.html"}
    assert f"{folder}/{paths.fichas_file('a2', 1)}" not in documents


def test_every_link_between_lists_and_fichas_leads_to_its_anchor(conn: psycopg.Connection) -> None:
    fill(conn)
    written = pages_of(documents_of(conn, "c1"))
    followed = 0
    for name, html in written.items():
        for href in re.findall(r'href="((?:fichas|lista|sem)[^"]+\.html#[^"]+)"', html):
            path, _, anchor = urljoin(name, href).partition("#")
            assert f'id="{anchor}"' in written[path], (name, href)
            followed += 1
    assert followed > 10


def test_the_identities_of_every_list_hold(conn: psycopg.Connection) -> None:
    fill(conn)
    for company_id in ("c1", "c2", "c3"):
        for document in documents_of(conn, company_id).values():
            if isinstance(document.content, Page):
                assert document.content.proof.identities
                assert all(identity.holds for identity in document.content.proof.identities)


def test_the_file_to_take_away_holds_whom_to_phone_and_nobody_else(
    conn: psycopg.Connection,
) -> None:
    fill(conn)
    path = f"{paths.company_folder('c1')}/{paths.list_file('a1').removesuffix('.html')}.csv"
    content = documents_of(conn, "c1")[path].content
    assert callable(content)
    file = io.BytesIO()
    content(file)
    header, *rows = csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig")), delimiter=";")
    assert header == list(labels.CALL_LIST_COLUMNS.values())
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[2] for row in rows] == ["(11) 98765-4321", "(11) 3456-7890", ""]
    assert "c1/waiting/1" not in {row[-1] for row in rows}


def test_lists_that_are_made_in_batches_are_the_same(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    at_once = pages_of(documents_of(conn, "c1"))
    monkeypatch.setattr(call_list, "_AGENDAS_A_BATCH", 1)
    assert pages_of(documents_of(conn, "c1")) == at_once


def test_every_agent_gets_their_own_rows_whatever_their_id(conn: psycopg.Connection) -> None:
    agents = ["a", "A", "á", "B", "b", "a ", "-", "ä/..", None]
    insert(conn, "company", {"company_id": "c", "name": "C", "timezone": "America/Sao_Paulo"})
    conn.execute(
        "update company set local_date = '2026-11-20', no_reply_days = 2, no_show_hours = 2, "
        "dispatch_grace_hours = 12"
    )
    for agent in agents:
        for position in (1, 2):
            call(
                conn,
                "c",
                agent,
                position,
                listed={"call_reason": "call_requested", "since": AS_OF},
                agenda={},
            )
    documents = documents_of(conn, "c")
    for agent in agents:
        page = documents[f"{paths.company_folder('c')}/{paths.list_file(agent)}"].content
        assert isinstance(page, call_list.CallListPage)
        rows = page.rows
        assert [row.agenda_id for row in rows] == [f"c/{agent}/1", f"c/{agent}/2"]


def test_nobody_elses_company_is_on_a_list(conn: psycopg.Connection) -> None:
    fill(conn)
    agendas(conn, "c2", "same agent", 1, agent_id="a1")
    text = "".join(pages_of(documents_of(conn, "c1")).values())
    assert "c2/" not in text
    assert formats.phone("11987654321") in text
