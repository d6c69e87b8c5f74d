"""What the models say at any instant does not depend on the order, repetition and batching of
events and versions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from deliveries import BASE, LENIENT, agenda, dispatch, load, rejected, reply, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_queries import rows_of
from tests_database import fresh_database
from whatsapp_payloads import body, click, preference, receive, status

from orchestration.postgres.database import Database

QUICK = settings(
    max_examples=settings.default.max_examples // 20,  # each makes databases
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

INSTANTS = tuple(
    f"2026-11-20T{time}+00:00" for time in ("11:59:59", "12:01:30", "12:03:00", "12:09:00")
)
MODELS = ("stg_dispatch", "stg_reply", "int_client__consent")

# Few minutes, messages and numbers, so that all kinds of ties come about.
times = st.integers(0, 4).map(lambda minute: f"2026-11-20T12:0{minute}:00+00:00")
messages = st.sampled_from(["d1", "d2"])
numbers = st.sampled_from(["5511987654321", "551187654322", "16505551234"])
statuses = st.builds(
    lambda name, at, message, code: body(
        [status(name, at, message, [{"code": code}] if name == "failed" else [])]
    ),
    st.sampled_from(["sent", "delivered", "read", "failed", "played"]),
    times,
    messages,
    st.sampled_from([131026, 131049]),
)
# A reply has one id, and WhatsApp never tells it in two ways; the CRM may tell it in another.
clicks = st.builds(
    lambda at, message: body(messages=[click("o1", at, message, own=f"r {at} {message}")]),
    times,
    messages,
)
preferences = st.builds(
    lambda value, at, number: body(preferences=[preference(value, at, number)]),
    st.sampled_from(["stop", "resume"]),
    times,
    numbers,
)
events = st.lists(st.one_of(statuses, statuses, clicks, preferences), max_size=8)
versions = st.lists(
    st.builds(
        lambda message, minute: {
            "dispatch": dispatch(
                message,
                updated_at=f"2026-11-20T12:0{minute}:00Z",
                queued_at="2026-11-20T12:00:00Z",
                read_at="2026-11-20T12:03:00Z" if minute % 2 else "",
                failed_at="2026-11-20T12:02:00Z" if minute == 2 else "",
                error_code="131000" if minute == 2 else "",
            ),
            "client": {
                **BASE["client"][0],
                "updated_at": f"2026-11-20T12:0{minute}:00Z",
                "ddd": "11",
                "mobile": "98765-4321" if minute < 3 else "8765-4322",
            },
            "reply": reply(
                f"r 2026-11-20T12:0{minute}:00+00:00 {message}",
                updated_at=f"2026-11-20T12:0{minute + minute // 4}:00Z",
                dispatch_id="d1",
                replied_at="2026-11-20T12:00:30Z",
            ),
        },
        messages,
        st.integers(1, 4),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def first(postgres: Database, maintenance: psycopg.Connection) -> Iterator[str]:
    """The name of a database that holds the first delivery: what comes after starts from it."""
    with fresh_database(postgres, maintenance) as database, tempfile.TemporaryDirectory() as home:
        load(database, Path(home), {**BASE, "agenda": [agenda()]})
        yield database.parts["dbname"]


def outcome(
    postgres: Database, maintenance: psycopg.Connection, first: str, steps: list[list[object]]
) -> tuple[object, ...]:
    """What is delivered and what the models say after these steps: each a batch of bodies, or of
    versions.
    """
    with (
        fresh_database(postgres, maintenance, first) as database,
        tempfile.TemporaryDirectory() as home,
    ):
        for number, step in enumerate(steps):
            rows = [part for part in step if isinstance(part, dict)]
            if rows:
                tables = {
                    name: [row[name] for row in rows if name in row]
                    for name in ("client", "dispatch", "reply")
                }
                load(database, Path(home) / str(number), tables, LENIENT)
            bodies = [part for part in step if isinstance(part, bytes)]
            if bodies:
                receive(database, Path(home) / "spool", *bodies)
        assert {reason for *_, reason in rejected(database)} <= {"unknown_reference"}
        said = {
            (model, as_of): rows_of(database, model, as_of)
            for model in MODELS
            for as_of in INSTANTS
        }
        return said, stored(database), rejected_replies(database)


def rejected_replies(database: Database) -> list[object]:
    with database.connect() as conn:
        # A row that comes twice in one file waits with two lines, which says nothing of the rest.
        query = "select distinct row_as_delivered ->> 'reply_id' from raw.rejected_row order by 1"
        return conn.execute(query).fetchall()


@QUICK
@given(events=events, versions=versions, data=st.data())
def test_any_order_repetition_and_batching_gives_the_same_rows(
    postgres: Database,
    maintenance: psycopg.Connection,
    first: str,
    events: list[bytes],
    versions: list[dict[str, object]],
    data: st.DataObject,
) -> None:
    everything: list[object] = [*versions, *events]
    at_once = outcome(postgres, maintenance, first, [everything])
    again = data.draw(st.lists(st.sampled_from(everything), max_size=4)) if everything else []
    mixed = data.draw(st.permutations([*everything, *again]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=3)))
    steps = [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]
    assert outcome(postgres, maintenance, first, steps) == at_once


@QUICK
@given(events=events)
def test_reversed_they_end_the_same(
    postgres: Database, maintenance: psycopg.Connection, first: str, events: list[bytes]
) -> None:
    there = [{"dispatch": dispatch(name), "client": BASE["client"][0]} for name in ("d1", "d2")]
    forwards = outcome(postgres, maintenance, first, [there, *([event] for event in events)])
    backwards = outcome(
        postgres, maintenance, first, [*([event] for event in reversed(events)), there]
    )
    assert forwards == backwards
