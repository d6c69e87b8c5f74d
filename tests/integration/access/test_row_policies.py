"""R14 in PostgreSQL: whoever reads sees their rows of every published table, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from tests.integration.access.conftest import Published, Reader

OPEN = ("campaign", "event_type", "loss_reason", "source_freshness")
OF_MANAGERS = (
    *("sending_alarm", "no_show_return", "dispatch_due", "totalizer_history", "passive_waiting"),
)
OF_CARDS = ("agenda_status", "dispatch", "reply", "booking")
SEEN_BY_NOBODY = ("search_word", "search_name", "search_key")

Rows = list[DictRow]


def rows_of(conn: psycopg.Connection, table: str) -> Rows:
    with conn.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("select * from {}").format(sql.Identifier("marts", table))
        return cursor.execute(query).fetchall()


def counted(rows: Rows) -> Counter[str]:
    return Counter(repr(sorted(row.items())) for row in rows)


@pytest.fixture(scope="module")
def everything(published: Published) -> dict[str, Rows]:
    """Every row of every published relation, as the owner reads them."""
    with published.database.connect() as conn:
        names = conn.execute(
            "select relname from pg_class where relnamespace = 'marts'::regnamespace"
            " and relkind in ('r', 'v', 'm', 'f', 'p') order by 1"
        ).fetchall()
        return {name: rows_of(conn, name) for (name,) in names}


@contextmanager
def reading_as(published: Published, user_id: str | None) -> Iterator[psycopg.Connection]:
    """A transaction of the page's role, on behalf of that user."""
    with published.logins.page.connect() as conn:
        if user_id is not None:
            conn.execute("select * from access.identify(%s)", [user_id])
        yield conn


def of_reader(reader: Reader, everything: dict[str, Rows], table: str) -> Rows:
    """The rows that R14 gives the reader, decided here and by nothing of the database."""
    all_rows = everything[table]
    members = {
        row["user_id"]
        for row in everything["user_company"]
        if row["company_id"] in reader.company_ids
    }
    owners = {row["agenda_id"]: row["agent_id"] for row in everything["agenda_status"]}

    def of_companies(row: DictRow) -> bool:
        return row["company_id"] in reader.company_ids

    def of_agent(row: DictRow) -> bool:
        return of_companies(row) and reader.agent_id in (None, row["agent_id"])

    def moved(row: DictRow) -> bool:
        stays = owners.get(row["agenda_id"], row["agent_id"]) == row["agent_id"]
        return of_agent(row) and (reader.agent_id is None or stays)

    # An attendant also sees every agenda of a card on their list.
    listed = [row for row in everything["call_list"] if of_agent(row)]
    carded = {(row["company_id"], row["agenda_id"]) for row in listed}
    called = {(row["company_id"], row["client_id"]) for row in listed if row["client_id"]}

    def of_card(row: DictRow) -> bool:
        return of_agent(row) or (row["company_id"], row["agenda_id"]) in carded

    def heard(row: DictRow) -> bool:
        is_theirs = of_companies(row) and row["user_id"] == reader.user_id
        return is_theirs or of_card(row) or (row["company_id"], row["client_id"]) in called

    clients = {
        row["client_id"]
        for table_with_clients, is_seen in (
            ("agenda_status", of_card),
            ("passive_contact_status", of_agent),
        )
        for row in everything[table_with_clients]
        if is_seen(row)
    }
    agents = {row["agent_id"] for row in everything["totalizer"] if of_agent(row)}
    special: dict[str, Callable[[DictRow], bool]] = {
        "company": of_companies,
        "team": of_companies,
        "app_user": lambda row: (
            of_companies(row) or row["user_id"] in {*members, *agents, reader.user_id}
        ),
        "user_company": lambda row: of_companies(row) or row["user_id"] == reader.user_id,
        "client": lambda row: row["client_id"] in clients,
        "vehicle": lambda row: row["client_id"] in clients,
        "totalizer_movement": moved,
        "phone_call": heard,
        **dict.fromkeys(OF_CARDS, of_card),
        **dict.fromkeys(OPEN, lambda _: True),
        **dict.fromkeys(OF_MANAGERS, lambda row: of_companies(row) and reader.agent_id is None),
    }
    return [row for row in all_rows if special.get(table, of_agent)(row)]


@pytest.mark.parametrize("name", ["attendant", "manager", "manager of two"])
def test_a_reader_sees_their_rows_of_every_relation(
    published: Published, everything: dict[str, Rows], name: str
) -> None:
    reader = published.readers[name]
    with reading_as(published, reader.user_id) as conn:
        for table in everything.keys() - set(SEEN_BY_NOBODY):
            assert counted(rows_of(conn, table)) == counted(of_reader(reader, everything, table)), (
                table
            )


@pytest.mark.parametrize("name", ["attendant", "manager", "manager of two"])
def test_there_is_something_to_see_and_something_to_hide(
    published: Published, everything: dict[str, Rows], name: str
) -> None:
    for table in (
        *("agenda_status", "client", "call_list", "dispatch", "totalizer_movement"),
        *("phone_call", "call_waiting", "day_activity"),
    ):
        seen = of_reader(published.readers[name], everything, table)
        assert 0 < len(seen) < len(everything[table]), table


def test_an_attendant_sees_the_agendas_of_a_card_and_counts_their_own(
    published: Published, everything: dict[str, Rows]
) -> None:
    """A card across agents: its owner sees it whole, the others wait for what is theirs."""
    reader = published.readers["attendant"]
    others = {
        row["agenda_id"]
        for row in everything["call_list"]
        if row["agent_id"] == reader.agent_id
        and row["company_id"] in reader.company_ids
        and row["agenda_agent_id"] != reader.agent_id
    }
    with reading_as(published, reader.user_id) as conn:
        seen = {row["agenda_id"] for row in rows_of(conn, "agenda_status")}
        counted_rows = {row["agenda_id"] for row in rows_of(conn, "totalizer_row")}
        waiting = {row["agenda_id"] for row in rows_of(conn, "call_waiting")}
    assert others
    assert others <= seen
    assert not others & (counted_rows | waiting)


def test_nobody_sees_nothing(published: Published, everything: dict[str, Rows]) -> None:
    nobodies = (None, "", published.inactive_user_id, "no such user", "' or true --", "{U1,U2}")
    for user_id in nobodies:
        with reading_as(published, user_id) as conn:
            for table in everything.keys() - set(SEEN_BY_NOBODY):
                assert rows_of(conn, table) == [], (user_id, table)


def test_what_serves_the_search_is_read_by_nobody(
    published: Published, everything: dict[str, Rows]
) -> None:
    for table in everything.keys() & set(SEEN_BY_NOBODY):
        with (
            reading_as(published, published.readers["manager"].user_id) as conn,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            rows_of(conn, table)


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_who_reads_ends_with_the_transaction(published: Published, ending: str) -> None:
    with published.logins.page.connect() as conn:
        for name in ("manager", "attendant", "manager of two"):
            conn.execute("select * from access.identify(%s)", [published.readers[name].user_id])
            assert rows_of(conn, "agenda_status")
            conn.execute(ending)
            assert rows_of(conn, "agenda_status") == []
            conn.commit()


def test_identifying_again_replaces_who_was_there(
    published: Published, everything: dict[str, Rows]
) -> None:
    attendant = published.readers["attendant"]
    with reading_as(published, published.readers["manager of two"].user_id) as conn:
        conn.execute("select * from access.identify(%s)", [attendant.user_id])
        assert counted(rows_of(conn, "agenda_status")) == counted(
            of_reader(attendant, everything, "agenda_status")
        )
        conn.execute("select * from access.identify('nobody')")
        assert rows_of(conn, "agenda_status") == []


@pytest.mark.parametrize("hostile", ["' or true --", "{*}", '{"x"}); select 1; --', "%", "\\"])
def test_hostile_values_of_who_reads_are_only_values(published: Published, hostile: str) -> None:
    setting = "select set_config('atendimento.' || %s, %s, true)"
    with reading_as(published, published.readers["manager"].user_id) as conn:
        conn.execute(setting, ["agent", hostile])
        assert rows_of(conn, "agenda_status") == []
    with reading_as(published, published.readers["manager"].user_id) as conn:
        conn.execute(setting, ["companies", hostile])
        # What is no list at all is not answered.
        with suppress(psycopg.errors.InvalidTextRepresentation):
            assert rows_of(conn, "agenda_status") == []
    with published.logins.page.connect() as conn:
        assert conn.execute("select * from access.identify(%s)", [hostile]).fetchall() == []
        assert conn.execute("select access.user_of_login(%s)", [hostile]).fetchone() == (None,)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into marts.campaign values ('x', 'x', true)",
        "update marts.client set name = 'x'",
        "delete from marts.agenda_status",
        "truncate marts.agenda_status",
        "create table marts.planted (x int)",
        "select * from raw.client",
        "select * from staging.stg_client",
        "select * from ops.publication",
        "select * from marts_previous.agenda_status",
        "select * from access.account",
        "select * from access.access_log",
        "select access.forget_log(now())",
        "select access.grant_rights()",
        "alter table marts.client disable row level security",
        "set role postgres",
    ],
)
def test_the_page_can_read_what_is_published_and_do_nothing_else(
    published: Published, statement: str
) -> None:
    with (
        reading_as(published, published.readers["manager"].user_id) as conn,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)),
    ):
        conn.execute(statement.encode())
