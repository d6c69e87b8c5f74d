"""What a Ficha says: the whole history in order, each code in words, nobody else's company."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orchestration.ingest.contract import SOURCE_TABLES
from orchestration.postgres.database import Database
from reports import labels, paths, phrases
from reports.documents import Document, EditionContext
from reports.filters import EVERYTHING, Access, Filters
from reports.pages import call_list, ficha, ficha_history
from reports.pages.ficha_files import FICHAS_A_FILE, ficha_places
from reports.queries import call_list_counts
from reports.queries.agendas import find_agendas
from reports.queries.companies import Company, find_companies
from reports.queries.ficha import FichaFacts, OtherRow, VehicleRow, find_ficha_facts
from reports.render import render
from tests.unit.reports.agenda_row import COMPANY, LISTED, NO_SHOW, ON_NO_LIST, SENT, WAITING
from tests.unit.reports.published_tables import (
    AS_OF,
    EDITION,
    HOSTILE_NAMES,
    TODAY,
    agendas,
    count_totals,
    create,
    fill,
    fill_many,
    insert,
)

DAY = timedelta(days=1)
NOTHING = FichaFacts({}, {}, {}, {})
ALL = Filters(access=EVERYTHING)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        create(connection)
        yield connection


def company_of(conn: psycopg.Connection, company_id: str) -> Company:
    found = find_companies(conn, ALL, EDITION)
    return next(one for one in found if one.company_id == company_id)


def found(
    conn: psycopg.Connection, *agenda_ids: str, filters: Filters = ALL, company_id: str = "c1"
) -> list[ficha.Ficha]:
    company = company_of(conn, company_id)
    found = {row.agenda_id: row for row in find_agendas(conn, filters, agenda_ids)}
    listed = [found[agenda_id] for agenda_id in agenda_ids if agenda_id in found]
    facts = find_ficha_facts(conn, listed)
    return [ficha.build_ficha(phrases.phrases_of(company, row), facts) for row in listed]


# --- One Ficha -------------------------------------------------------------------------------


def test_the_history_is_one_time_line_in_order_with_ties_settled(conn: psycopg.Connection) -> None:
    fill(conn)
    (one,) = found(conn, "c1/a1/1")
    assert [(f"{event.at:%d/%m %H:%M}", event.words) for event in one.history] == [
        ("14/11 09:00", "Agendamento na recepção para 16/11/2026 09:00"),
        ("14/11 09:00", "Agendamento de 16/11/2026 09:00 confirmado"),
        ("16/11 11:00", "No-show do agendamento de 16/11/2026 09:00: automático, prazo vencido"),
        ("17/11 09:00", "Mensagem na fila: após no-show"),
        ("17/11 09:00", "Mensagem falhou: o número não tem WhatsApp"),
        ("19/11 10:00", "Mensagem na fila: primeiro contato"),
        ("19/11 10:00", "Mensagem enviada"),
        ("19/11 10:00", "Mensagem entregue"),
        ("19/11 10:30", "Mensagem lida"),
        ("19/11 11:00", "Cliente respondeu: Ligue <b>já</b>"),
        ("20/11 08:00", "Ligação: não atendeu"),
        ("20/11 08:00", "Ligação: não atendeu"),
    ]
    assert ["".join(piece.text for piece in event.note) for event in one.history[-2:]] == [
        "por gone",
        'por Maria Souza: "><img src=x onerror=alert(2)>',
    ]


def test_everything_about_the_agenda_and_its_client_is_there(conn: psycopg.Connection) -> None:
    fill(conn)
    (one,) = found(conn, "c1/a1/1")
    assert one.client == HOSTILE_NAMES[0]
    assert (one.mobile, one.landline) == ("11 98765-4321", "1134567890")
    assert one.email == "<maria>@example.com"
    assert one.consent == "Aceita mensagens (cadastro)"
    assert [(v.words, v.is_active, v.is_of_agenda) for v in one.vehicles] == [
        ("Onix 1.0 · ABC1D23", True, True),
        ("modelo não informado · =1+1", True, False),
        ("Uno · sem placa", False, False),
    ]
    assert one.totals == (
        "Agendas ativas: WhatsApp enviado",
        "Cliente pediu para ligar: Pediu para ligar",
    )
    assert (one.agent, one.team, one.origin, one.state) == (
        "Maria Souza",
        "Sem equipe",
        "Ativa",
        "Aberta",
    )
    assert one.standing == ("call", "Ligar: 1º da lista", "Pediu para ligar em 19/11 11:00")
    assert one.phone == ("(11) 98765-4321", "tel:+5511987654321")


def test_who_must_not_be_phoned_yet_is_told_from_when(conn: psycopg.Connection) -> None:
    fill(conn)
    (one,) = found(conn, "c1/waiting/2")
    assert one.standing == (
        "wait",
        "Ainda não ligar: só a partir de 21/11 09:01",
        "Enviado 19/11 09:00; aguardando resposta",
    )
    page = ficha.build_ficha_page(COMPANY, "Ficha", [one])
    assert "tel:" not in render(page)


def test_the_consent_of_a_client_names_its_origin(conn: psycopg.Connection) -> None:
    fill(conn)
    (one,) = found(conn, "c1/a1/2")
    assert one.consent == "Parou as mensagens pelo chatbot em 18/11/2026 10:00"


@pytest.mark.parametrize(
    ("changes", "consent"),
    [
        ({"is_opted_out": True, "consent_origin": "register"}, "Não aceita mensagens (cadastro)"),
        (
            {"is_opted_out": False, "consent_origin": "reply", "consent_at": SENT},
            "Voltou a aceitar mensagens pelo chatbot em 18/11/2026 09:12",
        ),
        ({"client_id": None}, "N/D"),
    ],
)
def test_every_consent_is_said(changes: dict[str, object], consent: str) -> None:
    said = phrases.phrases_of(COMPANY, LISTED._replace(**changes))
    assert ficha.build_ficha(said, NOTHING).consent == consent


@pytest.mark.parametrize(
    ("changes", "response", "state"),
    [
        (
            {"response": "booked", "booked_for": SENT, "closed_at": NO_SHOW},
            "Agendou pelo LEADZAP, para 18/11/2026 09:12",
            "Fechada em 19/11/2026 11:00",
        ),
        ({"response": "refused", "loss_reason": "Preço"}, "Recusou: Preço", "Fechada"),
        ({"response": "refused"}, "Recusou: Sem motivo informado", "Fechada"),
        ({"response": "no_reply", "days_without_reply": 1}, "Não respondeu há 1 dia", "Fechada"),
        ({"response": "awaiting_reply", "is_open": True}, "Aguardando resposta", "Aberta"),
    ],
)
def test_an_agenda_on_no_list_says_how_it_stands(
    changes: dict[str, object], response: str, state: str
) -> None:
    one = ficha.build_ficha(phrases.phrases_of(COMPANY, ON_NO_LIST._replace(**changes)), NOTHING)
    assert (one.response, one.state) == (response, state)
    assert one.standing[:2] == ("none", "Fora da lista de ligação")
    assert one.totals == ("Nenhum totalizador",)
    assert (one.phone, one.without_phone, one.attempts) == (None, False, "")


def test_every_code_of_the_history_has_words() -> None:
    codes = {
        (table.name, column.name): set(column.codes)
        for table in SOURCE_TABLES
        for column in table.columns
    }
    assert set(labels.PURPOSES) == codes["dispatch", "purpose"]
    assert set(labels.CHANNELS) == codes["booking", "channel"]
    assert set(labels.ORIGINS) == codes["agenda", "origin"]
    for event, detail in [
        *(("queued", code) for code in labels.PURPOSES),
        *(("failed", code) for code in labels.CAUSES),
        *(("called", code) for code in labels.OUTCOMES),
        *(("booked", code) for code in labels.CHANNELS),
        *(("no_show", code) for code in labels.NO_SHOW_KINDS),
    ]:
        (said,) = ficha_history.build_timeline([("g", SENT, event, detail, SENT, None, None)])
        assert detail not in said.words.split()
        assert "{" not in said.words


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_text_stays_text(name: str) -> None:
    texts = ("client_name", "agenda_id", "event_type", "campaign", "team", "agent", "ddd", "mobile")
    row = LISTED._replace(**dict.fromkeys((*texts, "landline", "email", "phone"), name))
    facts = FichaFacts(
        {name: [(name, SENT, "replied", name, None, name, name)]},
        {name: [(name, "refused", name)]},
        {"p1": [VehicleRow("p1", "v1", name, name, True)]},
        {name: [OtherRow(name, TODAY, name, name, True, 9)]},
    )
    one = ficha.build_ficha(phrases.phrases_of(COMPANY, row), facts)
    html = render(ficha.build_ficha_page(COMPANY._replace(name=name), name, [one]))
    assert html.count("<script") == 1  # the page's own
    assert "<img" not in html
    assert "e mais 8" in html


def test_a_repeated_hour_keeps_the_order_of_events(conn: psycopg.Connection) -> None:
    # In São Paulo clocks went back an hour at the end of 17/02/2018.
    before, after = (
        datetime(2018, 2, 18, 1, 30, tzinfo=UTC),
        datetime(2018, 2, 18, 2, 10, tzinfo=UTC),
    )
    fill(conn)
    agendas(conn, "c1", "winter", 1)
    key = {"company_id": "c1", "agenda_id": "c1/winter/1"}
    insert(conn, "reply", key | {"reply_id": "2", "label": "antes", "replied_at": before})
    insert(conn, "reply", key | {"reply_id": "1", "label": "depois", "replied_at": after})
    (one,) = found(conn, "c1/winter/1")
    said = [(event.at.strftime("%H:%M"), event.words) for event in one.history[:2]]
    assert said == [
        ("23:30", "Cliente respondeu: antes"),
        ("23:10", "Cliente respondeu: depois"),
    ]


# --- Whose ----------------------------------------------------------------------------------


def test_the_order_asked_for_stays_and_what_is_not_there_is_left_out(
    conn: psycopg.Connection,
) -> None:
    fill(conn)
    asked = ("c1/a1/2", "nothing", "c1/a1/1", "c1/waiting/1")
    assert [one.agenda_id for one in found(conn, *asked)] == ["c1/a1/2", "c1/a1/1", "c1/waiting/1"]
    assert found(conn) == []


@pytest.mark.parametrize(
    "access", [Access(company_ids=("c2",)), Access(("c1",), locked_agent_id="a2")]
)
def test_who_may_not_see_an_agenda_gets_no_ficha(conn: psycopg.Connection, access: Access) -> None:
    fill(conn)
    assert found(conn, "c1/a1/1", filters=Filters(access=access)) == []


def test_other_agendas_are_those_of_the_same_company_and_agent(conn: psycopg.Connection) -> None:
    fill(conn)
    mine = {"agent_id": "me", "client_id": "known"}
    agendas(conn, "c1", "own", 1, **mine)
    agendas(conn, "c1", "older", 1, **mine, contact_date=TODAY - DAY, is_open=False)
    agendas(conn, "c1", "of another", 1, client_id="known", agent_id="other")
    agendas(conn, "c1", "of nobody", 2, client_id="known")
    agendas(conn, "c2", "elsewhere", 1, **mine)
    own, nobodys = found(conn, "c1/own/1", "c1/of nobody/1")
    assert own.others == ((TODAY - DAY, "10.000 km", "Aguardando resposta · Fechada"),)
    assert len(nobodys.others) == 1
    assert (own.further, nobodys.further) == (0, 0)


def test_of_many_other_agendas_the_latest_are_shown_and_the_rest_counted(
    conn: psycopg.Connection,
) -> None:
    fill(conn)
    agendas(conn, "c1", "many", 1, client_id="known", agent_id="me")
    for number in range(8):
        day = TODAY - number * DAY
        agendas(conn, "c1", f"of {number}", 1, client_id="known", agent_id="me", contact_date=day)
    (one,) = found(conn, "c1/many/1")
    assert [other.contact_date for other in one.others] == [TODAY - n * DAY for n in range(5)]
    assert one.further == 3


def test_an_agenda_without_client_has_no_vehicles_and_no_others(conn: psycopg.Connection) -> None:
    fill(conn)
    insert(conn, "vehicle", {"vehicle_id": "stray", "model": "Stray", "active": True})
    agendas(conn, "c1", "unknown", 2, client_id=None)
    (one,) = found(conn, "c1/unknown/1")
    assert (one.client, one.vehicles, one.others) == ("Agenda sem cliente", (), ())
    assert one.consent == "N/D"


# --- The files of a list ----------------------------------------------------------------------


def documents_of(conn: psycopg.Connection, company_id: str) -> list[Document]:
    scene = EditionContext(EDITION, ALL, tuple(find_companies(conn, ALL, EDITION)))
    company = company_of(conn, company_id)
    entries = call_list_counts.with_unassigned(
        call_list_counts.find_call_lists(conn, ALL).get(company_id, ())
    )
    return list(call_list.call_list_documents(conn, scene, company, entries))


def fichas_of(documents: list[Document]) -> dict[str, str]:
    """The address of each Ficha within the company's folder, by agenda, as it was written."""
    return {
        one.agenda_id: f"{document.path.partition('/')[2]}#{one.anchor}"
        for document in documents
        if isinstance(document.content, ficha.FichaPage)
        for one in document.content.fichas
    }


def test_the_places_of_fichas_are_where_they_are_written(conn: psycopg.Connection) -> None:
    fill(conn)
    for company_id in ("c1", "c2", "c3"):
        written = fichas_of(documents_of(conn, company_id))
        assert ficha_places(conn, Filters(EVERYTHING, company_id=company_id)) == written
        assert bool(written) == (company_id != "c3")


def test_the_places_of_fichas_agree_beyond_one_file(conn: psycopg.Connection) -> None:
    fill_many(conn, ["a", "B", "é"], 2 * FICHAS_A_FILE + 1)
    documents = documents_of(conn, "big")
    written = fichas_of(documents)
    assert ficha_places(conn, Filters(EVERYTHING, company_id="big")) == written
    assert len(written) == 3 * (2 * FICHAS_A_FILE + 1)
    sizes = [len(d.content.fichas) for d in documents if isinstance(d.content, ficha.FichaPage)]
    assert sizes == [FICHAS_A_FILE, FICHAS_A_FILE, 1] * 3


def test_from_ficha_to_ficha_the_whole_list_is_walked(conn: psycopg.Connection) -> None:
    fill_many(conn, ["a"], FICHAS_A_FILE + 2)
    pages = [d.content for d in documents_of(conn, "big")]
    fichas = [one for page in pages if isinstance(page, ficha.FichaPage) for one in page.fichas]
    written = list(fichas_of(documents_of(conn, "big")).values())
    assert [one.neighbours.following for one in fichas] == [*written[1:], ""]
    assert [one.neighbours.previous for one in fichas] == ["", *written[:-1]]
    assert all(
        one.neighbours.back and one.neighbours.back.href == f"{paths.list_file('a')}#{one.anchor}"
        for one in fichas
    )


def test_a_range_is_told_in_the_order_of_the_list(conn: psycopg.Connection) -> None:
    fill_many(conn, ["a"], 2 * FICHAS_A_FILE + 1)
    pages = [d.content for d in documents_of(conn, "big")]
    ranges = [page.range for page in pages if isinstance(page, ficha.FichaPage)]
    assert ranges == ["Fichas 1 a 50 de 101", "Fichas 51 a 100 de 101", "Ficha 101 de 101"]


def test_a_ficha_alone_leads_to_no_list() -> None:
    one = ficha.build_ficha(phrases.phrases_of(COMPANY, WAITING), NOTHING)
    html = render(ficha.build_ficha_page(COMPANY, "Ficha", [one]))
    assert "Voltar à lista" not in html
    assert "na ordem da lista" not in html


def test_totals_are_told_for_passive_contacts_too(conn: psycopg.Connection) -> None:
    fill(conn)
    agendas(conn, "c1", "wrote", 1, response="refused", is_open=False, loss_reason_id="l1")
    insert(
        conn,
        "passive_contact_status",
        {
            "company_id": "c1",
            "contact_id": "w9",
            "contact_date": TODAY,
            "bucket": "service_orders",
            "agenda_id": "c1/wrote/1",
            "contacted_at": AS_OF,
            "as_of": AS_OF,
        },
    )
    conn.execute("truncate totalizer, totalizer_row")
    count_totals(conn)
    (one,) = found(conn, "c1/wrote/1")
    assert one.totals == (
        "Cliente leadzap: Ordens de serviço",
        "Cliente recusou: Preço",
    )


def test_no_agenda_asks_the_database_for_nothing(conn: psycopg.Connection) -> None:
    assert find_ficha_facts(conn, []) == NOTHING
