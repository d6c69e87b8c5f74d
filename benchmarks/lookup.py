"""How fast the lookup page answers 20 people, against `pgbench` of the same SQL in the same run.

Run it, with ATENDIMENTO_HOME as for the run, as `python -m benchmarks.lookup [--users N] [--pause
SECONDS] [--seconds N] [--publications N] [--restart]`.

The server is a process of its own, as `atendimento serve` starts it; the people are threads of
another. Each asks, waits about `--pause` seconds (exponentially, as people do) and asks again.
`pgbench` then runs the statements of the same requests, as the same role, from as many connections
at the same rate. `--publications` swaps the two last editions that often while the people ask
(there must have been two runs), and `--restart` restarts the embedded database in the middle.
"""

from __future__ import annotations

import argparse
import http.client
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg
from starlette.testclient import TestClient

from orchestration.access import roles
from orchestration.access.roles import Logins
from orchestration.lookup_server import serve
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.server_place import installed_programs
from orchestration.publication.swap import swap_schemas
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings, load_settings
from reports.lookup import sessions
from reports.lookup.app import create_app
from reports.lookup.middleware import FORM

PORT = 8017
HOST = "127.0.0.1"
_TIMES = 60
_PEOPLE = """
select
    app_user.user_id,
    app_user.role = 'manager',
    app_user.company_id
from marts.app_user
inner join marts.agenda_status
    on agenda_status.company_id = app_user.company_id
    and (app_user.role = 'manager' or agenda_status.agent_id = app_user.user_id)
where app_user.active
group by app_user.user_id, app_user.role, app_user.company_id
order by app_user.role = %s desc, count(*) desc, app_user.user_id
limit %s
"""
_SOUGHT = """
select client.name, client.ddd, client.mobile, vehicle.plate
from marts.agenda_status
inner join marts.client on client.client_id = agenda_status.client_id
left join marts.vehicle on vehicle.vehicle_id = agenda_status.vehicle_id
where agenda_status.company_id = %s and (agenda_status.agent_id = %s or %s)
    and client.name is not null and client.mobile is not null
order by md5(agenda_status.agenda_id)
limit 40
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the screen: their session and its forms' token, and what they look for."""

    token: str
    csrf: str
    company_id: str
    sought: Sequence[tuple[str, str]]


class Asked(NamedTuple):
    """One request, and under which name it is counted. With a `body` it is a form that is sent."""

    kind: str
    path: str
    body: str | None = None

    @property
    def method(self) -> str:
        """How it is sent."""
        return "GET" if self.body is None else "POST"

    def headers(self, person: Person) -> dict[str, str]:
        """What a browser sends with it."""
        told = {"Cookie": f"atendimento={person.token}"}
        return told if self.body is None else {**told, "Content-Type": FORM}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: what it was for, how long it took, how it ended (0 is no answer at all)."""

    kind: str
    seconds: float
    status: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--pause", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--publications", type=int, default=0)
    parser.add_argument("--restart", action="store_true")
    asked = parser.parse_args()
    settings = load_settings()
    database = open_database(settings)
    logins = roles.page_logins(settings, database)
    with database.connect() as conn:
        say_size(conn)
        people = make_people(conn, asked.users)
    with server():
        ask(people, 5, asked.pause / 4)  # connections, plans and templates are there afterwards
        print(f"\n{asked.users} people, {asked.pause:g} s between requests, {asked.seconds:g} s")
        answers = ask(people, asked.seconds, asked.pause)
        show("HTTP", [(answer.kind, answer.seconds) for answer in answers])
        show_faults(answers)
        with tempfile.TemporaryDirectory() as folder:
            scripts = record(settings, logins, people, Path(folder))
            rate = len(answers) / asked.seconds
            show("pgbench", run_pgbench(logins.page, scripts, asked.users, asked.seconds, rate))
        if asked.publications or asked.restart:
            disturb(settings, database, people, asked)


def say_size(conn: psycopg.Connection) -> None:
    """How much there is to look in."""
    for table in ("client", "agenda_status", "totalizer_row"):
        count = conn.execute(f"select count(*) from marts.{table}".encode()).fetchone()
        print(f"{table:<16}{count[0] if count else 0:>12,}")


def make_people(conn: psycopg.Connection, users: int) -> list[Person]:
    """Half managers, half attendants, those with the most to look at; each with a session."""
    people = []
    for role in ("manager", "attendant"):
        found = conn.execute(_PEOPLE, [role, users // 2]).fetchall()
        for user_id, is_manager, company_id in found:
            opened = sessions.start_session(
                conn, user_id, lifetime=timedelta(hours=2), address="benchmark"
            )
            conn.execute(
                "insert into access.account (user_id, password_hash, must_change, changed_at)"
                " values (%s, '', false, clock_timestamp())"
                " on conflict (user_id) do update set must_change = false",
                [user_id],
            )
            rows = conn.execute(_SOUGHT, [company_id, user_id, is_manager]).fetchall()
            sought = tuple(_look_for(rows))
            people.append(Person(opened.token, opened.session.csrf, company_id, sought))
    conn.commit()
    return people


def _look_for(rows: Sequence[tuple[str, str, str, str | None]]) -> Iterator[tuple[str, str]]:
    for place, (name, ddd, mobile, plate) in enumerate(rows):
        words = name.split()
        yield "search: whole name", name
        yield "search: first and last name", f"{words[-1]} {words[0]}"
        yield "search: name with an error", f"{words[0][:-1]} {words[-1][:2]}{words[-1][3:]}"
        yield "search: phone", f"({ddd}) {mobile}" if place % 2 else mobile[-8:]
        if plate:
            yield "search: plate", plate.lower()


def next_of(person: Person, dice: Random) -> Asked:
    """What somebody asks next."""
    chance = dice.random()
    if chance < 0.4:
        kind, sought = dice.choice(person.sought)
        return Asked(kind, "/busca", urlencode({"csrf": person.csrf, "q": sought}))
    if chance < 0.6:
        return Asked("grid: today", "/")
    fields = {"empresa": person.company_id, "contato": "todas"}
    if chance < 0.75:
        return Asked("grid: all dates", "/?" + urlencode(fields))
    total = dice.choice(("refused", "no_reply", "no_show", "booked"))
    if chance < 0.9:
        return Asked("grid: another total", "/?" + urlencode({**fields, "total": total}))
    page = str(dice.randint(2, 40))
    return Asked("grid: a later page", "/?" + urlencode({**fields, "pagina": page}))


@contextmanager
def server() -> Iterator[None]:
    """`atendimento serve` in a process of its own."""
    program = str(Path(sys.executable).parent / "atendimento")
    with subprocess.Popen(
        [program, "serve", "--port", str(PORT)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            _until_it_answers()
            yield
        finally:
            process.terminate()


def _until_it_answers() -> None:
    until = time.monotonic() + _TIMES
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection(HOST, PORT, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The lookup page does not come up.")


def ask(
    people: Sequence[Person], seconds: float, pause: float, until: Callable[[], bool] | None = None
) -> list[Answer]:
    """Let the people ask for so long, or until something has ended; every answer."""
    answers: list[list[Answer]] = [[] for _ in people]
    end = time.monotonic() + seconds
    going = until or (lambda: time.monotonic() < end)

    def person(place: int) -> None:
        dice, connection = Random(place), None
        while going():
            time.sleep(dice.expovariate(1 / pause))
            asked = next_of(people[place], dice)
            began = time.perf_counter()
            connection, status = send(connection, asked, people[place])
            answers[place].append(Answer(asked.kind, time.perf_counter() - began, status))

    threads = [threading.Thread(target=person, args=(place,)) for place in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for of_person in answers for answer in of_person]


def send(
    kept: http.client.HTTPConnection | None, asked: Asked, person: Person
) -> tuple[http.client.HTTPConnection | None, int]:
    """Ask over the connection that was kept, else over a new one, as a browser does when the server
    has closed it meanwhile, and go where the answer leads; the connection to keep, and the status
    (0: no answer).
    """
    for connection in (kept, http.client.HTTPConnection(HOST, PORT, timeout=30)):
        if connection is None:
            continue
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers(person))
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            continue
        if response.status == 303:
            found = Asked(asked.kind, response.headers["location"])
            return send(connection, found, person)
        return connection, response.status
    return None, 0


def show(title: str, taken: Sequence[tuple[str, float]]) -> None:
    """Percentiles by kind, and of searches and grids as a whole; milliseconds."""
    print(f"\n{title:<32}{'count':>8}{'p50':>9}{'p99':>9}{'most':>9}  ms")
    kinds = sorted({kind for kind, _ in taken})
    for name in (*kinds, "search", "grid"):
        times = sorted(seconds * 1000 for kind, seconds in taken if kind.startswith(name))
        if times:
            middle, high = (times[math.ceil(len(times) * p) - 1] for p in (0.5, 0.99))
            print(f"{name:<32}{len(times):>8,}{middle:>9.1f}{high:>9.1f}{times[-1]:>9.1f}")


def show_faults(answers: Sequence[Answer]) -> None:
    """How many answers were not 200."""
    by_status: dict[int, int] = {}
    for answer in answers:
        by_status[answer.status] = by_status.get(answer.status, 0) + 1
    print("answers by status: ", by_status)


# --- The same SQL ----------------------------------------------------------------------------


def record(
    settings: Settings, logins: Logins, people: Sequence[Person], folder: Path
) -> list[tuple[str, Path]]:
    """The statements of some requests of each kind, as scripts of pgbench."""
    app = create_app(serve.lookup_config(settings, logins, HOST))
    scripts = []
    dice = Random(7)
    with app.state.services.opened():
        for number in range(120):
            person = dice.choice(people)
            asked = next_of(person, dice)
            client = TestClient(app, base_url=f"http://{HOST}")
            with recorded() as statements:
                client.request(
                    asked.method, asked.path, content=asked.body, headers=asked.headers(person)
                )
            script = folder / f"{number}.sql"
            # A colon before a letter would be a variable of pgbench's; a cast is not.
            script.write_text("".join(f"{line};\n" for line in statements), encoding="utf-8")
            scripts.append((asked.kind, script))
    return scripts


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The statements that the page's role is given meanwhile, with their values in them."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(self: Any, query: Any, params: Any = None, **how: Any) -> Any:
        if self.connection.info.user == roles.PAGE:
            text = psycopg.ClientCursor(self.connection).mogrify(query, params)
            if text.strip():
                statements.append(" ".join(text.split()))
        return execute(self, query, params, **how)

    psycopg.Cursor.execute = noting  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def run_pgbench(
    page: Database, scripts: Sequence[tuple[str, Path]], users: int, seconds: float, rate: float
) -> list[tuple[str, float]]:
    """Each transaction's kind and seconds."""
    parts = page.parts
    folder = scripts[0][1].parent
    files = [part for _, script in scripts for part in ("-f", str(script))]
    command = (
        f"pgbench --no-vacuum --jobs 2 --client {users} --time {seconds:.0f} --rate {rate:.2f}"
    )
    program, *options = command.split()
    subprocess.run(
        [
            str(installed_programs() / program),
            *options,
            "--log",
            "--log-prefix",
            str(folder / "log"),
            *files,
            parts["dbname"],
        ],
        env={
            **os.environ,
            "PGUSER": parts["user"],
            "PGHOST": parts["host"],
            "PGPORT": parts.get("port", "5432"),
            "PGPASSWORD": parts.get("password", ""),
            "PGOPTIONS": "-c search_path=marts -c default_transaction_read_only=on",
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    taken = []
    for log in folder.glob("log.*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            taken.append((scripts[int(fields[3])][0], float(fields[2]) / 1e6))
    return taken


# --- While it is disturbed -------------------------------------------------------------------


def publish_again(database: Database) -> None:
    """Make the edition before the current one, as a run does with what it has built."""
    with database.connect() as conn:
        conn.execute("alter schema marts_previous rename to marts_next")
        built = conn.execute("select as_of from marts_next.company limit 1").fetchone()
        assert built
        swap_schemas(
            conn,
            run_id="benchmark",
            as_of=built[0],
            group_timezone="UTC",
            edition="benchmark",
            expected=(),
        )
        conn.commit()


def disturb(
    settings: Settings, database: Database, people: Sequence[Person], asked: argparse.Namespace
) -> None:
    """Publish again and again, and restart the database, while the people ask."""
    ended = threading.Event()

    def hinder() -> None:
        try:
            for number in range(asked.publications):
                publish_again(database)
                time.sleep(0.5)
                if asked.restart and number == asked.publications // 2:
                    embedded.stop_server(settings.home / "postgres")
                    embedded.start_server(settings.home / "postgres")
        finally:
            ended.set()

    hindering = threading.Thread(target=hinder)
    hindering.start()
    answers = ask(people, 0, asked.pause, until=lambda: not ended.is_set())
    hindering.join()
    restarts = ", 1 restart of the database" if asked.restart else ""
    show(f"{asked.publications} publications{restarts}", [(a.kind, a.seconds) for a in answers])
    show_faults(answers)


if __name__ == "__main__":
    main()
