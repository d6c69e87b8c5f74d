# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""The rows of a total: all of them, once, where the numbers lead, and each said truly."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import openpyxl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.postgres.database import Database
from reports import edition_plan, labels, phrases
from reports.documents import Document, EditionContext
from reports.filters import EVERYTHING, Filters
from reports.pages import counted_rows, total_pagination, total_rows, totals
from reports.pages.counted_rows import CellIds, Cells, ListedRow
from reports.pages.total_pagination import Layout, page_addresses, place_of
from reports.pages.total_rows import Offer, TotalRows
from reports.pages.totals import Count
from reports.paths import bucket_anchor
from reports.queries import call_list_counts, companies
from reports.queries.companies import Company, stamp_of
from reports.queries.total_rows import CountedRow
from reports.render import render
from reports.view_model import Page, Proof
from tests.unit.reports.published_tables import (
    AS_OF,
    EDITION,
    HOSTILE_NAMES,
    TODAY,
    agendas,
    company,
    count_totals,
    create,
    fill,
    insert,
)

COMPANY = Company(
    company_id="c1",
    name="Oficina <Centro>",
    local_date=TODAY,
    no_reply_days=2,
    dispatch_grace_hours=Decimal("12"),
    stamp=stamp_of(EDITION, AS_OF - timedelta(minutes=15), "America/Sao_Paulo", 24),
    proof=Proof(EDITION.run_id, "0123456789abcdef"),
)
SENT = datetime(2026, 11, 18, 9, 12)
NO_SHOW = datetime(2026, 11, 19, 11, 0)
BOOKED_FOR = datetime(2026, 11, 19, 9, 0)
ROW = CountedRow(
    row_id="g1",
    bucket="sent",
    agenda_id="g1",
    client_name="Maria",
    contact_date=TODAY,
    campaign_id="c1",
    campaign="Revisões",
    is_campaign_active=True,
    event_type_id="e1",
    event_type="10.000 km",
    team_id="t1",
    team="Balcão",
    is_service_desk=True,
    agent_id="a1",
    agent="João",
    is_open=True,
    whatsapp_status="sent",
    whatsapp_cause=None,
    last_sent_at=SENT,
    cycle_start=None,
    response="awaiting_reply",
    loss_reason=None,
    replied_at=None,
    days_without_reply=None,
    booked_for=None,
    no_show_at=None,
    contacted_at=None,
    is_ambiguous=None,
)


def listed(number: int, bucket: str = "sent", **changes: object) -> ListedRow:
    cells = Cells(f"Cliente {number}", None, f"g{number}", *("",) * 7)
    ids = CellIds(None, None, None, None)
    return ListedRow(bucket, TODAY, "Enviado", None, True, True, ids, cells)._replace(**changes)


# --- Where rows stand ------------------------------------------------------------------------

layouts = st.builds(
    Layout,
    st.sampled_from(list(labels.TOTALIZERS)),
    st.booleans(),
    st.lists(
        st.tuples(st.text(max_size=3), st.integers(0, 9)), unique_by=lambda bucket: bucket[0]
    ).map(tuple),
)


@pytest.fixture(autouse=True, scope="module")
def few_rows_a_page() -> Iterator[None]:
    """Pages of five rows and blocks of two, so that small totals have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(total_pagination, "ROWS_A_PAGE", 5)
        patch.setattr(total_rows, "_ROWS_A_BLOCK", 2)
        yield


def built(layout: Layout) -> dict[str, TotalRows]:
    rows = [
        listed(place, bucket)
        for place, bucket in enumerate(
            bucket for bucket, count in layout.counts for _ in range(count)
        )
    ]
    named = {bucket: f"Parte {bucket}" for bucket, _ in layout.counts}
    return {
        layout.file(part): total_rows.build_total_rows(COMPANY, layout, named, rows, part)
        for part in range(1, layout.pages + 1)
    }


def sections(page: TotalRows) -> dict[str, list[Cells]]:
    return {
        section.blocks[0].anchor: [row.cells for block in section.blocks for row in block.rows]
        for section in page.sections
    }


@given(layouts)
def test_every_row_stands_on_one_page_in_its_order(layout: Layout) -> None:
    shown = [
        row.agenda_id
        for page in built(layout).values()
        for rows in sections(page).values()
        for row in rows
    ]
    assert shown == [f"g{place}" for place in range(layout.count)]


@given(layouts)
def test_a_number_leads_to_where_its_rows_begin_and_on_to_its_last(layout: Layout) -> None:
    pages = built(layout)
    place = 0
    for bucket, count in layout.counts:
        file, _, anchor = place_of(layout, bucket).partition("#")
        assert anchor == bucket_anchor(bucket)
        if not count:
            assert anchor in {bucket.anchor for bucket in pages[file].buckets if not bucket.count}
            continue
        expected = [f"g{place + number}" for number in range(count)]
        found: list[str] = []
        following = f"{file}#{anchor}"
        while following:
            page = pages[following.partition("#")[0]]
            (section,) = (one for one in page.sections if one.blocks[0].anchor == anchor)
            assert section.is_continued == bool(found)
            assert section.count == count
            found += [row.agenda_id for row in sections(page)[anchor]]
            following = section.following
        assert found == expected
        place += count
    assert place_of(layout, None) == next(iter(pages))


@given(layouts)
def test_only_the_first_block_of_a_part_has_its_anchor(layout: Layout) -> None:
    for page in built(layout).values():
        for section in page.sections:
            assert all(block.rows for block in section.blocks)
            assert not any(block.anchor for block in section.blocks[1:])


def test_pages_that_are_one_of_many_lead_to_each_other() -> None:
    pages = built(Layout("active", False, (("sent", 7), ("other", 5))))
    assert list(pages) == ["agendas-ativas.html", "agendas-ativas-2.html", "agendas-ativas-3.html"]
    assert [(part.link.text, part.is_this) for part in pages["agendas-ativas-2.html"].parts] == [
        ("Linhas 1 a 5", False),
        ("Linhas 6 a 10", True),
        ("Linhas 11 a 12", False),
    ]
    assert "Os filtros valem para as linhas desta página" in render(pages["agendas-ativas.html"])
    (alone,) = built(Layout("active", False, (("sent", 5),))).values()
    assert alone.parts == ()
    assert "Os filtros valem" not in render(alone)


def test_numbers_of_today_lead_to_the_rows_of_today() -> None:
    counts = {("refused", "l1"): Count(6, 3), ("refused", "unspecified"): Count(4, 9)}
    address = page_addresses(counts, {"l1": "Preço", "l2": "Prazo"})
    l1, unspecified = bucket_anchor("l1"), bucket_anchor("unspecified")
    assert address("refused", None, False) == "cliente-recusou.html"
    assert address("refused", "l1", False) == f"cliente-recusou.html#{l1}"
    assert address("refused", "l1", True) == f"cliente-recusou-hoje.html#{l1}"
    assert address("refused", "unspecified", True) == f"cliente-recusou-hoje-2.html#{unspecified}"


# --- What filters offer ----------------------------------------------------------------------


def test_r14_filters_offer_active_campaigns_and_service_desks() -> None:
    def row(campaign: str, event_type: str, team: str, agent: str, **offers: bool) -> ListedRow:
        cells = listed(1).cells._replace(
            campaign=campaign, event_type=event_type, team=team, agent=agent
        )
        ids = CellIds(campaign, event_type, team, agent if agent != "Sem agente" else None)
        return listed(1, ids=ids, cells=cells, **offers)

    def names(offered: tuple[Offer, ...]) -> list[str]:
        return [one.name for one in offered]

    offers = total_rows.filter_options(
        [
            row("Revisões", "20.000 km", "Pátio", "Zé"),
            row("Revisões", "10.000 km", "Balcão", "Ávila"),
            row("Âncora", "Freios", "Central", "Bia", offers_team=False),
            row("Recall 2025", "Airbag", "Pátio", "Sem agente", offers_campaign=False),
        ]
    )
    assert names(offers.campaigns) == ["Âncora", "Revisões"]
    assert [(one.campaign.name, names(one.offered)) for one in offers.event_types] == [
        ("Âncora", ["Freios"]),
        ("Revisões", ["10.000 km", "20.000 km"]),
    ]
    assert names(offers.teams) == ["Balcão", "Pátio"]
    assert names(offers.agents) == ["Ávila", "Bia", "Zé"]
    assert offers.without_agent


# --- What a row says -------------------------------------------------------------------------

SITUATIONS = [
    ("active", {}, "Aguardando resposta"),
    ("active", {"response": "not_sent"}, "Sem mensagem enviada"),
    (
        "active",
        {"response": "booked_elsewhere", "booked_for": BOOKED_FOR},
        "Agendado por outro canal para 19/11 09:00",
    ),
    (
        "active",
        {"response": "replied", "replied_at": NO_SHOW},
        "Respondeu 19/11 11:00, sem concluir",
    ),
    ("no_reply", {"response": "no_reply", "days_without_reply": 1}, "Sem resposta há 1 dia"),
    (
        "call_requested",
        {"response": "call_requested", "replied_at": NO_SHOW},
        "Pediu para ligar 19/11 11:00",
    ),
    (
        "refused",
        {"response": "refused", "replied_at": NO_SHOW, "loss_reason": "{preço}"},
        "Recusou 19/11 11:00: {preço}",
    ),
    (
        "refused",
        {"response": "refused", "replied_at": NO_SHOW, "is_open": False},
        "Recusou 19/11 11:00: sem motivo informado; agenda fechada",
    ),
    (
        "booked",
        {"response": "booked", "booked_for": BOOKED_FOR.replace(year=2027)},
        "Agendado para 19/11/2027 09:00",
    ),
    (
        "no_show",
        {"no_show_at": NO_SHOW, "booked_for": BOOKED_FOR},
        "No-show 19/11 11:00; era para 19/11 09:00",
    ),
    ("passive", {"contacted_at": NO_SHOW}, "Escreveu 19/11 11:00"),
    (
        "passive",
        {"contacted_at": NO_SHOW, "is_ambiguous": True},
        "Escreveu 19/11 11:00; mais de um cadastro com este número",
    ),
    ("active", {"response": "{new}"}, "{new}"),
]


@pytest.mark.parametrize(("totalizer", "changes", "phrase"), SITUATIONS)
def test_a_row_says_what_became_of_it(
    totalizer: str, changes: dict[str, object], phrase: str
) -> None:
    assert phrases.situation_of(COMPANY, totalizer, ROW._replace(**changes)) == phrase


NOT_SENT = {"last_sent_at": None, "whatsapp_status": "other"}
SIGNALS = [
    ({}, "Enviado", "Enviado 18/11/2026 09:12"),
    ({"cycle_start": SENT}, "Enviado", "Enviado 18/11/2026 09:12"),
    (
        {"cycle_start": SENT + timedelta(seconds=1)},
        "Enviado",
        "Enviado 18/11/2026 09:12, antes do no-show",
    ),
    (
        NOT_SENT | {"whatsapp_status": "opted_out"},
        *("Não enviado: o cliente não aceita mensagens",) * 2,
    ),
    (NOT_SENT | {"whatsapp_status": "invalid_phone"}, *("Não enviado: telefone inválido",) * 2),
    (NOT_SENT, *("Não enviado",) * 2),
    (NOT_SENT | {"whatsapp_cause": "queued"}, *("Não enviado: na fila, sem sair ainda",) * 2),
    ({"last_sent_at": None, "whatsapp_status": None}, *("Sem agenda",) * 2),
]


@pytest.mark.parametrize(("changes", "status", "with_time"), SIGNALS)
def test_a_row_says_whether_a_message_went_out_and_when(
    changes: dict[str, object], status: str, with_time: str
) -> None:
    row = ROW._replace(**changes)
    said = counted_rows.listed_row(COMPANY, "active", row, {}, {})
    assert (said.whatsapp, said.cells.whatsapp) == (status, with_time)


def test_what_is_not_known_is_told() -> None:
    nothing = ROW._replace(
        **dict.fromkeys(set(CountedRow._fields) - {"row_id", "bucket", "contact_date"})
        | {"contacted_at": NO_SHOW}
    )
    assert counted_rows.listed_row(COMPANY, "passive", nothing, {}, {}).cells == Cells(
        "Cliente não reconhecido",
        None,
        "Sem agenda",
        "20/11/2026",
        "",
        "",
        "",
        "Sem agente",
        "Sem agenda",
        "Escreveu 19/11 11:00",
    )
    client = counted_rows.listed_row(COMPANY, "active", nothing, {}, {}).cells.client
    assert client == "Agenda sem cliente"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_text(name: str) -> None:
    row = ROW._replace(
        client_name=name, agenda_id=name, campaign=name, event_type=name, team=name, agent=name
    )
    page = total_rows.build_total_rows(
        COMPANY._replace(name=name),
        Layout("active", False, (("sent", 1),)),
        {"sent": name},
        [counted_rows.listed_row(COMPANY, "active", row, {name: "fichas.html#ficha"}, {})],
        1,
    )
    html = render(page)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert '<a href="fichas.html#ficha">' in html


# --- From the tables -------------------------------------------------------------------------


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        create(connection)
        fill(connection)
        yield connection


def scene_of(conn: psycopg.Connection) -> EditionContext:
    filters = Filters(access=EVERYTHING)
    return EditionContext(EDITION, filters, tuple(companies.find_companies(conn, filters, EDITION)))


def documents_of(conn: psycopg.Connection, company_id: str, totalizer: str) -> dict[str, Document]:
    scene = scene_of(conn)
    found = next(one for one in scene.companies if one.company_id == company_id)
    return {
        document.path.rpartition("/")[2]: document
        for document in total_rows.total_rows_documents(conn, scene, found, totalizer)
    }


def pages_of(documents: dict[str, Document], *, today: bool) -> list[TotalRows]:
    pages = [one.content for one in documents.values() if isinstance(one.content, TotalRows)]
    return [page for page in pages if page.is_today == today]


def content_of(document: Document) -> bytes:
    assert not isinstance(document.content, Page)
    file = io.BytesIO()
    document.content(file)
    return file.getvalue()


def shown_on(pages: list[TotalRows]) -> list[tuple[str, Cells]]:
    return [
        (section.label, row.cells)
        for page in pages
        for section in page.sections
        for block in section.blocks
        for row in block.rows
    ]


@pytest.mark.parametrize("totalizer", labels.TOTALIZERS)
def test_r11_a_total_is_its_rows_on_pages_and_in_files(
    conn: psycopg.Connection, totalizer: str
) -> None:
    filters = Filters(access=EVERYTHING)
    for company_id in ("c1", "c2", "c3"):
        counts = totals.find_totals(conn, filters).get(company_id, {})
        named = totals.buckets_of(totalizer, counts, totals.find_loss_reasons(conn))
        documents = documents_of(conn, company_id, totalizer)
        for today in (True, False):
            pages = pages_of(documents, today=today)
            shown = Counter(label for label, _ in shown_on(pages))
            for bucket, label in named.items():
                count = counts.get((totalizer, bucket), totals.NONE)
                assert shown[label] == (count.today if today else count.all_dates)
            assert all(identity.holds for page in pages for identity in page.proof.identities)
        name = pages_of(documents, today=False)[0].files
        rows = shown_on(pages_of(documents, today=False))
        text = content_of(documents[f"{name}.csv"]).decode("utf-8-sig")
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        assert [(cells[0], cells[2]) for cells in read[1:]] == [
            (label, cells.agenda_id) for label, cells in rows
        ]
        book = openpyxl.load_workbook(io.BytesIO(content_of(documents[f"{name}.xlsx"])))
        assert book.worksheets[0].max_row == len(rows) + 1


def test_rows_are_ordered_by_bucket_contact_and_client(conn: psycopg.Connection) -> None:
    rows = shown_on(pages_of(documents_of(conn, "c1", "active"), today=False))
    order = list(labels.WHATSAPP_STATUS.values())
    places = [(order.index(label), cells.contact_date[::-1]) for label, cells in rows]
    assert [place for place, _ in places] == sorted(place for place, _ in places)
    dates = [
        date(*map(int, reversed(cells.contact_date.split("/"))))
        for label, cells in rows
        if label == "WhatsApp enviado"
    ]
    assert dates == sorted(dates)
    of_one_day = [
        cells.client
        for label, cells in rows
        if label == "WhatsApp enviado" and cells.contact_date == "16/11/2026"
    ]
    assert of_one_day == sorted(of_one_day, key=str.casefold)


def test_r14_agendas_of_an_ended_campaign_are_there_and_not_offered(
    conn: psycopg.Connection,
) -> None:
    pages = pages_of(documents_of(conn, "c1", "no_reply"), today=False)
    assert any(cells.campaign == "Recall <2025>" for _, cells in shown_on(pages))
    offered = {one.name for page in pages for one in page.offers.campaigns}
    assert "Recall <2025>" not in offered


def test_r14_a_name_that_several_ids_share_is_offered_with_each_id(
    conn: psycopg.Connection,
) -> None:
    conn.execute("update app_user set full_name = 'Ana Souza'")
    conn.execute("update campaign set name = 'Recall'")
    conn.execute("update team set name = 'Oficina', is_service_desk = true")
    wanted: dict[str, Counter[object]] = {}
    for column in ("agent_id", "campaign_id", "team_id"):
        query = (
            f"select {column}, count(*) from totalizer_row"
            " where company_id = 'c1' and totalizer = 'active' group by 1"
        )
        wanted[column] = Counter(dict(conn.execute(query.encode()).fetchall()))
    pages = pages_of(documents_of(conn, "c1", "active"), today=False)
    cells = [one for _, one in shown_on(pages)]
    users = {user for (user,) in conn.execute("select user_id from app_user").fetchall()}

    def shown(key: object) -> object:
        return f"Ana Souza ({key})" if key in users else key or "Sem agente"

    agents = wanted["agent_id"]
    assert len(users & set(agents)) > 1
    assert Counter(one.agent for one in cells) == Counter(
        {shown(key): count for key, count in agents.items()}
    )
    offered = {(one.id, one.name) for page in pages for one in page.offers.agents}
    assert offered == {(key, shown(key)) for key in agents if key}
    assert Counter(one.campaign for one in cells if one.campaign) == Counter(
        {f"Recall ({key})": count for key, count in wanted["campaign_id"].items() if key}
    )
    teams = Counter(one.team for one in cells if one.team)
    assert sum(teams.values()) == sum(n for key, n in wanted["team_id"].items() if key)
    found = call_list_counts.find_call_lists(conn, Filters(access=EVERYTHING))["c1"]
    listed_names = [one.name for one in found if one.agent_id]
    assert len(set(listed_names)) == len(listed_names) > 1
    assert sum(name.startswith("Ana Souza (") for name in listed_names) > 1


def test_a_row_leads_to_the_ficha_of_an_agenda_that_has_one(conn: psycopg.Connection) -> None:
    rows = [
        cells for _, cells in shown_on(pages_of(documents_of(conn, "c1", "active"), today=False))
    ]
    on_lists = {row[0] for row in conn.execute("select agenda_id from call_list")}
    waiting = {row[0] for row in conn.execute("select agenda_id from call_waiting")}
    assert {cells.agenda_id for cells in rows if cells.ficha} == {
        cells.agenda_id for cells in rows
    } & (on_lists | waiting)
    assert any(cells.ficha for cells in rows)


def test_a_row_that_is_not_counted_shows_as_a_false_identity(conn: psycopg.Connection) -> None:
    conn.execute("delete from totalizer_row where company_id = 'c1' and row_id = 'c1/sent/1'")
    (page, *_) = pages_of(documents_of(conn, "c1", "active"), today=False)
    assert not any(identity.holds for identity in page.proof.identities)
    assert "não confere" in render(page)


def test_the_rows_of_another_company_are_not_shown(database: Database) -> None:
    with database.connect() as conn:
        create(conn)
        insert(conn, "company", company("c1", "Uma"), company("c2", "Outra"))
        agendas(conn, "c1", "x", 2)
        agendas(conn, "c2", "x", 3)
        conn.execute("update agenda_status set agenda_id = replace(agenda_id, company_id, '')")
        count_totals(conn)
        rows = shown_on(pages_of(documents_of(conn, "c2", "active"), today=False))
    assert [cells.agenda_id for _, cells in rows] == ["/x/1", "/x/2", "/x/3"]


def test_no_phone_stands_in_a_grid(conn: psycopg.Connection) -> None:
    conn.execute("update client set ddd = '11', mobile = '987654321', landline = '1134567890'")
    for totalizer in labels.TOTALIZERS:
        for document in documents_of(conn, "c1", totalizer).values():
            if isinstance(document.content, Page):
                assert not re.search(r"tel:|98765-?4321|3456-?7890", render(document.content))
            elif document.path.endswith("csv"):
                assert not re.search(rb"98765-?4321|3456-?7890", content_of(document))


def test_an_empty_total_says_so(conn: psycopg.Connection) -> None:
    documents = documents_of(conn, "c3", "active")
    (page,) = pages_of(documents, today=False)
    assert "Nenhuma linha" in render(page)
    assert "<form" not in render(page)
    assert len(content_of(documents["agendas-ativas.csv"]).splitlines()) == 1


def test_the_totals_are_planned_for_every_company(conn: psycopg.Connection) -> None:
    planned = edition_plan.document_batches(conn, scene_of(conn))
    assert {(part.company_id, part.totalizer) for part in planned if part.kind == "total"} == {
        (company_id, totalizer)
        for company_id in ("c1", "c2", "c3")
        for totalizer in labels.TOTALIZERS
    }
