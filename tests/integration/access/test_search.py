"""The search of the lookup page: found however it is typed, and only by whom it may be seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from tests_database import database_with_locale

from orchestration.access import roles
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate
from orchestration.settings import Settings
from tests.oracle import warehouse
from tests.oracle.rows import (
    Agenda,
    AppUser,
    Campaign,
    Client,
    Company,
    EventType,
    SourceRows,
    UserCompany,
    Vehicle,
)

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)

# client id: name, DDD, mobile, landline, plate, (company, agent) of each agenda
# fmt: off
CLIENTS: dict[str, tuple[str, str | None, str | None, str | None, str | None, list[str]]] = {
    "joao": ("João da Conceição Souza", "11", "98765-4321", None, "ABC1234", ["c1 ana"]),
    "joana": ("Joana Sousa", "011", "912340000", None, "XYZ1C34", ["c1 bia"]),
    "wellington": ("Wellington Gonçalves", "21", "87654321", "2133334444", None, ["c1 ana"]),
    "both": ("Maria Aparecida Silva", "11", "+55 11 99111-2222", None, None, ["c1 bia", "c2 caio"]),
    "other": ("Maria Silva", "11", "987654399", None, "ABC1C35", ["c2 caio"]),
    "unassigned": ("Ana Ímpar", None, None, "(11) 3333-0000", None, ["c1"]),
    "without": ("Zoroastro Semagenda", "11", "977776666", None, "ZZZ9999", []),
    "first": ("Benedita Abreu", "11", None, None, None, ["c1 bia", "c2 caio"]),
    "last": ("Benedita Zanetti", "11", None, None, None, ["c1 ana"]),
    "second": ("Aline Benedita Alves", "11", None, None, None, ["c1 ana"]),
    "accent": ("Benedita Álvares", "11", None, None, None, ["c1 ana"]),
    "alone": ("Bênedita", "11", None, None, None, ["c1 ana"]),
    "begins": ("Beneditana Aguiar", "11", None, None, None, ["c1 ana"]),
    "long": (
        "Pedro de Alcântara Francisco Antônio José Carlos Xavier de Paula Miguel Rafael Gonzaga",
        "11", None, None, None, ["c1 ana"],
    ),
    "endless": ("Quirino " + "x" * 190 + " Além", "11", None, None, None, ["c1 ana"]),
    "number": ("Oficina 2 Irmãos", "11", None, None, None, ["c1 ana"]),
    "upper": ("JOSÉ DE SÁ", "11", None, None, None, ["c1 ana"]),
    "two letters": ("LÉO ÁVILA", "11", None, None, None, ["c1 ana"]),
    "cedilla": ("ZÉ ÇELIK", "11", None, None, None, ["c1 ana"]),
    "cut": ("D'Ávila-Prado", "11", "966665555", None, None, ["c1 ana"]),
    "shares words": ("Zilda de Quaresma", "11", None, None, None, ["c1 ana"]),
    # An agenda's id that could be a phone: of joao.
    "987654321": ("Iracema Tavares", "11", None, None, None, ["c1 ana"]),
}
CLIENTS |= {
    f"shares {number}": (
        f"Zilda Aa{chr(97 + number // 26)}{chr(97 + number % 26)} Quaresma",
        "11", None, None, None, ["c1 ana"],
    )
    for number in range(230)
}
# fmt: on


def delivery() -> SourceRows:
    rows = SourceRows()
    rows.company = [Company(key, key, None, None, None, None) for key in ("c1", "c2")]
    rows.app_user = [
        AppUser("ana", "ana", "Ana", "attendant", "c1", True),
        AppUser("bia", "bia", "Bia", "attendant", "c1", True),
        AppUser("caio", "caio", "Caio", "attendant", "c2", True),
        AppUser("gil", "gil", "Gil", "manager", "c1", True),
        AppUser("rui", "rui", "Rui", "manager", "c1", True),
    ]
    rows.user_company = [UserCompany("rui", "c2")]
    rows.campaign = [Campaign("campaign", "Campanha", True)]
    rows.event_type = [EventType("event", "campaign", "Evento")]
    for client, (name, ddd, mobile, landline, plate, agendas) in CLIENTS.items():
        rows.client.append(Client(client, NOON, name, ddd, mobile, landline, None, True))
        rows.vehicle.append(Vehicle(f"v {client}", NOON, client, plate, None, True))
        for place in agendas:
            company, _, agent = place.partition(" ")
            agenda = client if client.isdigit() else f"A-{client}-{company}"
            rows.agenda.append(
                Agenda(
                    agenda, NOON, company, client, None, "event", None, agent or None, "active",
                    NOON.date(), NOON, None,
                )
            )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("search")
    # The locale in which a database by itself knows no letters but those of ASCII.
    with database_with_locale(postgres, maintenance, "C") as database:
        with database.connect() as conn:
            migrate(conn)
        warehouse.load(database, delivery(), folder / "delivery", seed=1)
        warehouse.publish(database, NOON, folder / "dbt")
        yield roles.page_logins(Settings(home=folder), database).page


def search(page: Database, user: str | None, sought: str, at_most: int = 20) -> list[str]:
    """What is found, best first: the client, and the company when it is not the first."""
    with page.connect() as conn:
        if user:
            conn.execute("select * from access.identify(%s)", [user])
        found = conn.execute(
            "select kind, company_id, client_id from marts.search(%s, %s)", [sought, at_most]
        ).fetchall()
    return [client if company == "c1" else f"{client} {company}" for _, company, client in found]


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("gonzaga pedro", ["long"]),  # the last of a name of 86 letters
        ("gonzag alcantra", ["long"]),  # both with an error
        ("quirino " + "x" * 190, ["endless"]),
        ("quirino além", []),  # an endless name is sought by its first 200 letters
        ("irmaos 2", ["number"]),
        ("pedro 1", []),  # signs that a name is kept in order by are none of its words
        ("oficina 1", []),
    ],
)
def test_long_names_and_numbers_in_names(page: Database, sought: str, found: list[str]) -> None:
    assert search(page, "rui", sought) == found


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("jose de sa", "upper"),
        ("José de Sá", "upper"),
        ("sa", "upper"),
        ("leo", "two letters"),
        ("ze celik", "cedilla"),
        ("zé", "cedilla"),
    ],
)
def test_accents_are_those_of_any_locale(page: Database, sought: str, found: str) -> None:
    assert search(page, "gil", sought)[0] == found


@pytest.mark.parametrize(
    "sought", ["Zilda de Quaresma", "zilda quaresma", "QUARESMA ZILDA", "Zilda da  Quaresma"]
)
def test_a_whole_name_is_found_however_many_have_its_words(page: Database, sought: str) -> None:
    found = search(page, "gil", sought)
    assert found[0] == "shares words"
    assert len(found) == 20


def test_a_number_may_be_an_agenda_and_a_phone(page: Database) -> None:
    found = search(page, "gil", "987654321")
    assert found[0] == "987654321"
    assert sorted(found[1:]) == ["joao", "wellington"]  # the ninth digit may lack


def test_of_many_with_one_name_those_named_so_first_come_first_then_by_name(
    page: Database,
) -> None:
    best = ["alone", "first", "first c2", "accent", "last", "second", "begins"]
    assert search(page, "rui", "benedita") == best
    assert search(page, "rui", "BENEDITA", 3) == best[:3]
    assert search(page, "gil", "benedita") == [one for one in best if one != "first c2"]
    assert search(page, "ana", "benedita") == ["alone", "accent", "last", "second", "begins"]
    assert search(page, "rui", "benedita zanetti")[0] == "last"


@pytest.mark.parametrize(
    ("sought", "client"),
    [
        ("João da Conceição Souza", "joao"),
        ("joao conceicao", "joao"),
        ("SOUZA JOÃO", "joao"),
        ("souza, joao", "joao"),
        ("Joa\u0303o Souza", "joao"),  # the accent as a sign of its own
        ("  joao \t souza ", "joao"),
        ("joao do souza", "joao"),
        ("jao souza", "joao"),
        ("joao conceicap", "joao"),
        ("conceisao", "joao"),
        ("ocnceicao", "joao"),
        ("conc", "joao"),
        ("welington", "wellington"),
        ("welinton goncalvez", "wellington"),
        ("wellignton", "wellington"),
        ("gonçalves w", "wellington"),
        ("impar", "unassigned"),
        ("davila prado", "cut"),
        ("d avila", "cut"),
        ("Prado", "cut"),
    ],
)
def test_a_name_is_found_however_it_is_typed(page: Database, sought: str, client: str) -> None:
    found = search(page, "gil", sought)
    assert found[:1] == [client], found


@pytest.mark.parametrize(
    ("sought", "client"),
    [
        ("11987654321", "joao"),
        ("(11) 98765-4321", "joao"),
        ("+55 11 98765 4321", "joao"),
        ("011 98765-4321", "joao"),
        ("1187654321", "joao"),
        ("98765-4321", "joao"),
        ("8765.4321", "joao"),
        ("912340000", "joana"),
        ("11 91234-0000", "joana"),
        ("21 98765-4321", "wellington"),
        ("3333-4444", "wellington"),
        ("(21) 3333-4444", "wellington"),
        ("99111-2222", "both"),
        ("11 3333 0000", "unassigned"),
    ],
)
def test_a_phone_is_found_however_it_is_typed(page: Database, sought: str, client: str) -> None:
    assert client in search(page, "gil", sought)


def test_a_ddd_tells_two_equal_numbers_apart(page: Database) -> None:
    assert sorted(search(page, "gil", "98765-4321")) == ["joao", "wellington"]
    assert search(page, "gil", "11 98765-4321") == ["joao"]
    assert search(page, "gil", "31 98765-4321") == []


@pytest.mark.parametrize("sought", ["ABC1234", "abc-1234", "ABC 1C34", "abc1c34", "abc12"])
def test_a_plate_is_found_in_both_spellings(page: Database, sought: str) -> None:
    assert search(page, "gil", sought) == ["joao"]


def test_a_mercosul_plate_is_found_by_its_old_spelling(page: Database) -> None:
    assert search(page, "gil", "XYZ-1234") == ["joana"]


def test_an_agenda_is_found_by_its_id(page: Database) -> None:
    assert search(page, "gil", " A-joao-c1 ")[0] == "joao"
    assert "both c2" not in search(page, "gil", "A-both-c2")
    assert search(page, "rui", "A-both-c2")[0] == "both c2"
    with page.connect() as conn:
        conn.execute("select * from access.identify('gil')")
        found = conn.execute("select kind, agenda_id from marts.search('A-joao-c1')").fetchone()
    assert found == ("agenda", "A-joao-c1")


def test_everybody_finds_only_what_they_may_see(page: Database) -> None:
    assert search(page, "rui", "maria silva") == ["other c2", "both", "both c2"]
    assert search(page, "gil", "maria silva") == ["both"]
    assert search(page, "bia", "maria silva") == ["both"]
    assert search(page, "caio", "maria silva") == ["other c2", "both c2"]
    assert search(page, "ana", "maria silva") == []
    assert search(page, None, "maria silva") == []
    for sought in ("991112222", "A-both-c2", "ABC1C35", "987654399"):
        assert search(page, "ana", sought) == []
        assert search(page, None, sought) == []
    assert search(page, "ana", "impar") == []
    for user in ("ana", "gil", "rui"):
        assert [search(page, user, s) for s in ("zoroastro", "977776666", "ZZZ9999")] == [[]] * 3


@pytest.mark.parametrize(
    "sought",
    [
        "", " ", "da", "%", "_", "'", "''; drop table marts.client; --", "') or true --", "\\",
        "{}", "%L", "$1", "<script>alert(1)</script>", "joao' or '1'='1", "🚗", "\u0301", "a" * 500,
        "joao " * 100, "0", "000", "-", "Xyzzy Qwfp", "1" * 300, "\U0010ffff",
    ],
)  # fmt: skip
def test_whatever_is_typed_finds_nothing_or_what_it_names(page: Database, sought: str) -> None:
    assert set(search(page, "gil", sought)) <= ({"joao"} if "joao" in sought else set())


def test_no_more_is_answered_than_asked_for(page: Database) -> None:
    assert len(search(page, "rui", "maria", 1)) == 1
    assert len(search(page, "rui", "maria", 0)) == 1
    assert len(search(page, "rui", "maria", 100_000)) == 3
