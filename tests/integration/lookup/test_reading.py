"""Reading as somebody: nothing leaks from one request, or one run, into another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests_database import fresh_database

from orchestration.postgres import session
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE
from orchestration.publication.swap import swap_schemas
from reports.lookup.connections import ConnectionPools, page_settings
from reports.lookup.read_transaction import NothingPublished, read_as_user, transaction
from reports.lookup.request_context import RequestContext, open_request_context
from tests.integration.lookup.office import ADDRESS, Browser, Office, running

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)


def whose(visit: RequestContext) -> Response:
    """Whose rows are seen, by the database's policies alone: the query has no condition."""
    found = visit.conn.execute(
        "select count(*), array_agg(distinct company_id order by company_id),"
        " array_agg(distinct agent_id) from agenda_status"
    ).fetchone()
    assert found
    count, companies, agents = found
    agent = agents[0] if len(agents) == 1 else None
    return JSONResponse([visit.user.user_id, count, companies, agent])


@pytest.mark.parametrize("requests", [1_000, pytest.param(10_000, marks=pytest.mark.proof)])
def test_interleaved_requests_of_two_users_over_two_connections_leak_nothing(
    office: Office, requests: int
) -> None:
    people = (office.director, office.attendant)
    with running(replace(office.config, connections=2)) as app:
        app.router.routes.append(Route("/whose", open_request_context(whose)))
        cookies, expected = [], []
        for person in people:
            browser = Browser(app)
            browser.sign_in(person.login)
            cookies.append({"cookie": f"atendimento={browser.session_cookie()}"})
            expected.append(browser.get("/whose").json())
        assert expected[0][1] > 3 * expected[1][1] > 0
        assert expected[0][2] == sorted(office.companies)
        assert expected[1][3] == office.attendant.user_id
        answers = asyncio.run(ask(app, cookies, requests))
    assert len(answers) == requests
    wrong = [answer for who, answer in answers if answer != expected[who]]
    assert wrong == []


async def ask(
    app: Starlette, cookies: list[dict[str, str]], requests: int
) -> list[tuple[int, object]]:
    """The answers to requests of the users in random turns, many at once."""
    dice = Random(4)
    order = [dice.randrange(len(cookies)) for _ in range(requests)]
    answers: list[tuple[int, object]] = []
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:

        async def one_of_many(turns: Iterator[int]) -> None:
            for who in turns:
                answer = await client.get("/whose", headers=cookies[who])
                answers.append((who, answer.json()))

        turns = iter(order)
        await asyncio.gather(*(one_of_many(turns) for _ in range(8)))
    return answers


@pytest.mark.parametrize(
    "user_id",
    ["", "nobody", "' or true --", "{C001,C002}", "U%", "x" * 10_000, "é", "}'; reset role; --"],
)
def test_who_is_nobody_sees_nothing(app: Starlette, office: Office, user_id: str) -> None:
    with read_as_user(app.state.services.page, user_id) as (conn, user):
        assert user is None
        for table in ("agenda_status", "client", "company", "app_user", "call_list", "totalizer"):
            assert conn.execute(f"select count(*) from {table}".encode()).fetchone() == (0,), table


def test_who_somebody_is_ends_with_the_transaction(office: Office) -> None:
    with running(replace(office.config, connections=1)) as app:
        page = app.state.services.page
        with read_as_user(page, office.director.user_id) as (conn, user):
            assert user
            assert user.company_ids == office.companies
            assert conn.execute("select count(*) > 0 from agenda_status").fetchone() == (True,)
        with pytest.raises(ZeroDivisionError), read_as_user(page, office.director.user_id):
            raise ZeroDivisionError
        with transaction(page) as conn:
            assert conn.execute("select count(*) from agenda_status").fetchone() == (0,)
            assert conn.execute("select access.user_id()").fetchone() == (None,)


# --- Publications while people read ------------------------------------------------------------

_TABLES = """
create table marts_next.company (company_id text, as_of timestamptz);
create table marts_next.app_user (user_id text, login text, full_name text, role text,
    company_id text, active boolean);
create table marts_next.user_company (user_id text, company_id text);
create table marts_next.totalizer (company_id text, totalizer text, bucket text,
    agenda_count bigint, as_of timestamptz);
"""


def build_next(conn: psycopg.Connection, number: int) -> datetime:
    """A build whose every table says which it is."""
    as_of = NOON + timedelta(minutes=number)
    conn.execute("create schema marts_next")
    conn.execute(_TABLES)
    conn.execute("insert into marts_next.company values ('c', %s)", [as_of])
    conn.execute("insert into marts_next.app_user values ('u', 'u', 'U', 'manager', 'c', true)")
    conn.execute(
        "insert into marts_next.totalizer select 'c', 'active', n::text, %s, %s"
        " from generate_series(1, 50) as n",
        [number + 1, as_of],
    )
    for (table,) in conn.execute(
        "select relname from pg_class where relnamespace = 'marts_next'::regnamespace"
    ).fetchall():
        conn.execute(f"alter table marts_next.{table} enable row level security".encode())
        conn.execute(f"alter table marts_next.{table} force row level security".encode())
        conn.execute(f"create policy all_of_it on marts_next.{table} using (true)".encode())
    conn.commit()
    return as_of


def publish_build(conn: psycopg.Connection, number: int) -> None:
    """Build and publish."""
    as_of = build_next(conn, number)
    swap_schemas(
        conn,
        run_id=str(number),
        as_of=as_of,
        group_timezone="UTC",
        edition=str(number),
        expected=("company", "totalizer"),
    )
    conn.commit()


def readers_of(database: Database) -> ConnectionPools:
    """Connections of the page's role."""
    return ConnectionPools(
        database.named(database.parts["dbname"], PAGE).url,
        name="readers",
        size=4,
        pin=session.pin,
        settings=page_settings(5),
        patience=5,
    )


def test_20_publications_while_people_read_give_no_error_and_no_mixture(
    postgres: Database, maintenance: psycopg.Connection
) -> None:
    with fresh_database(postgres, maintenance) as database, database.connect() as conn:
        pool = readers_of(database)
        pool.open()
        try:
            with pytest.raises(NothingPublished), transaction(pool):
                pass
            publish_build(conn, 0)
            seen, wrong = read_while(pool, lambda: [publish_build(conn, n) for n in range(1, 21)])
        finally:
            pool.close()
    assert wrong == []
    assert len(set(seen)) >= 10, "readers met many of the publications"
    assert len(seen) > 100


def read_while(pool: ConnectionPools, publish_all: object) -> tuple[list[int], list[object]]:
    """Read in four threads until all is published: which builds were seen, and what was wrong."""
    ended = threading.Event()
    seen: list[int] = []
    wrong: list[object] = []

    def read() -> None:
        dice = Random()
        while not ended.is_set():
            try:
                with read_as_user(pool, "u") as (conn, user):
                    first = conn.execute("select as_of from company").fetchall()
                    # Long enough for a publication to come between.
                    conn.execute("select pg_sleep(%s)", [dice.random() * 0.01])
                    second = conn.execute(
                        "select distinct as_of, agenda_count from totalizer"
                    ).fetchall()
                number = round((first[0][0] - NOON).total_seconds() / 60) if first else -1
                if user is None or second != [(first[0][0], number + 1)]:
                    wrong.append((user, first, second))
                seen.append(number)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        publish_all()  # type: ignore[operator]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return seen, wrong


def test_a_reader_who_stays_long_delays_a_publication_and_not_the_others(
    postgres: Database, maintenance: psycopg.Connection
) -> None:
    with fresh_database(postgres, maintenance) as database, database.connect() as conn:
        publish_build(conn, 0)
        pool = readers_of(database)
        pool.open()
        waits, seen = [], []
        try:
            with read_as_user(pool, "u") as (long, _):
                publishing = threading.Thread(target=publish_build, args=(conn, 1))
                publishing.start()
                until = time.monotonic() + 1.5
                while time.monotonic() < until:
                    began = time.monotonic()
                    with read_as_user(pool, "u") as (other, _):
                        seen += other.execute("select as_of from company").fetchall()
                    waits.append(time.monotonic() - began)
                assert publishing.is_alive()
                assert long.execute("select as_of from company").fetchall() == [(NOON,)]
            publishing.join()
            with read_as_user(pool, "u") as (after, _):
                assert after.execute("select as_of from company").fetchall() > [(NOON,)]
        finally:
            pool.close()
    assert set(seen) == {(NOON,)}
    assert max(waits) < 1
