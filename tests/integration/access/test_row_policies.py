"""R14 in PostgreSQL: whoever reads sees their rows of every published table, and nothing else."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from tests.integration.access.conftest import Published, Reader
from tests.reader_sessions import identify, session_key

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
            identify(conn, published.database, user_id)
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
    attendants = {
        row["user_id"]
        for row in everything["app_user"]
        if row["active"] and row["role"] == "attendant"
    }
    of_others: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in everything["call_list"]:
        if row["agent_id"] in attendants and row["agenda_agent_id"] != row["agent_id"]:
            of_others[row["agent_id"]].add((row["company_id"], row["agenda_id"]))
    assert of_others
    for owner, agendas in of_others.items():
        with reading_as(published, owner) as conn:
            seen = rows_of(conn, "agenda_status")
            counts_and_waits = rows_of(conn, "totalizer_row") + rows_of(conn, "call_waiting")
        assert agendas <= {(row["company_id"], row["agenda_id"]) for row in seen}
        assert {row["agent_id"] for row in counts_and_waits} <= {owner}


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
            identify(conn, published.database, published.readers[name].user_id)
            assert rows_of(conn, "agenda_status")
            conn.execute(ending)
            assert rows_of(conn, "agenda_status") == []
            conn.commit()


def test_identifying_again_replaces_who_was_there(
    published: Published, everything: dict[str, Rows]
) -> None:
    attendant = published.readers["attendant"]
    with reading_as(published, published.readers["manager of two"].user_id) as conn:
        identify(conn, published.database, attendant.user_id)
        assert counted(rows_of(conn, "agenda_status")) == counted(
            of_reader(attendant, everything, "agenda_status")
        )
        identify(conn, published.database, "nobody")
        assert rows_of(conn, "agenda_status") == []


@pytest.mark.parametrize("hostile", ["' or true --", "{*}", "%", "\\", "00", "0" * 64, "\\xff"])
def test_hostile_values_of_who_reads_are_only_values(published: Published, hostile: str) -> None:
    with published.logins.page.connect() as conn:
        conn.execute("select set_config('atendimento.session', %s, true)", [hostile])
        # What is no hash at all is not answered.
        with suppress(psycopg.errors.InvalidParameterValue):
            assert rows_of(conn, "agenda_status") == []
    with published.logins.page.connect() as conn:
        known = [hostile.encode(), bytes(32), None]
        for key in known:
            assert conn.execute("select * from access.identify(%s)", [key]).fetchall() == []
            assert rows_of(conn, "agenda_status") == []


def is_refused(conn: psycopg.Connection, statement: str) -> bool:
    try:
        with conn.transaction():
            conn.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_a_stolen_password_of_the_role_shows_only_what_live_sessions_show(
    published: Published, everything: dict[str, Rows]
) -> None:
    """Whoever has it says who they are in every way that 0.4.0 believed, and is nobody."""
    director = published.readers["manager of two"]
    key = session_key(published.database, director.user_id)
    with published.logins.page.connect() as thief:
        for name, value in {
            "user_id": director.user_id,
            "companies": "{" + ",".join(sorted(director.company_ids)) + "}",
            "agent": "",
            "session": director.user_id,
        }.items():
            thief.execute("select set_config('atendimento.' || %s, %s, false)", [name, value])
        thief.commit()
        for table in everything.keys() - set(SEEN_BY_NOBODY):
            with suppress(psycopg.errors.InvalidParameterValue), thief.transaction():
                assert rows_of(thief, table) == [], table
        refused = (
            f"select access.find_login('{director.user_id}')",
            "select token_hash from access.session",
            "select token_hash from access.live_session",
            "create temporary table kept (x int)",
            "select lo_creat(-1)",
            "select lo_create(0)",
            "select lo_from_bytea(0, 'x')",
            "select lo_put(1, 0, 'x')",
        )
        assert [said for said in refused if not is_refused(thief, said)] == []
        found = thief.execute("select * from access.identify(%s)", [director.user_id.encode()])
        assert found.fetchall() == []
        # With a session in force, that session's rows, for as long as it is in force.
        found = thief.execute("select * from access.identify(%s)", [key]).fetchall()
        assert found
        assert counted(rows_of(thief, "agenda_status")) == counted(
            of_reader(director, everything, "agenda_status")
        )
        for change in (
            "revoked_at = clock_timestamp()",
            "revoked_at = null, expires_at = clock_timestamp()",
            "expires_at = 'infinity', last_seen_at = clock_timestamp() - idle",
        ):
            with published.database.connect() as owner:
                owner.execute(f"update access.session set {change}".encode())
            thief.commit()
            assert thief.execute("select * from access.identify(%s)", [key]).fetchall() == []
            assert rows_of(thief, "agenda_status") == [], change


def test_the_reader_is_looked_up_once_a_statement(published: Published) -> None:
    """The policies' calls are subqueries without a reference to the row (InitPlan)."""
    reader = published.readers["attendant"]
    with reading_as(published, reader.user_id) as conn:
        plan = "\n".join(
            line
            for (line,) in conn.execute(
                "explain (analyze, costs off, timing off, buffers off, summary off)"
                " select count(*) from marts.agenda_status"
                " inner join marts.client using (client_id)"
            )
        )
    looked_up = re.findall(r"InitPlan \d+.*\n +-> +Result \(actual rows=\S+ loops=(\d+)\)", plan)
    assert looked_up
    assert set(looked_up) == {"1"}
    assert not re.search(r"(Filter|Cond):.*\breader\(", plan), plan


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
