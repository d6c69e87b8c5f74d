"""Laws of loading (R1, R2) over random deliveries: order, repetition, path, and no lost row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.ingest.load import LoadSettings
from orchestration.postgres.database import Database
from tests.conftest import fresh_database
from tests.deliveries import BASE, LENIENT, agenda, dispatch, load, passive, rejected, stored

QUICK = settings(
    max_examples=settings.default.max_examples // 20,  # each makes databases
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ROW_BY_ROW = LoadSettings(max_rejected_share=1.0, row_by_row=True)

# Versions of a few agendas and messages; the same version is always the same row.
versions = st.lists(
    st.builds(
        lambda number, hour: agenda(
            f"a{number}",
            updated_at=f"2026-11-20T{hour:02}:00:00-03:00",
            closed_at=f"2026-11-20T{hour:02}:30:00Z" if hour % 2 else "",
        ),
        st.integers(1, 3),
        st.integers(0, 3),
    ),
    max_size=6,
)
messages = st.lists(
    st.builds(
        lambda number, hour: dispatch(
            f"d{number}",
            agenda_id=f"a{1 + number % 3}",
            updated_at=f"2026-11-20 {hour:02}:00:00.25+00",
            error_message='a "quoted", one\nof two lines' if hour % 2 else "",
        ),
        st.integers(1, 4),
        st.integers(0, 3),
    ),
    max_size=6,
)
faults = st.fixed_dictionaries(
    {},
    optional={
        "agenda_id": st.sampled_from(["", "x" * 65, "a1"]),
        "updated_at": st.sampled_from(["", "now", "2026-11-20T09:00:00Z"]),
        "company_id": st.sampled_from(["c1", "c2", "c9"]),
        "client_id": st.sampled_from(["h1", "h9"]),
        "origin": st.sampled_from(["active", "Active"]),
        "contact_date": st.sampled_from(["2026-02-30", "2026-11-20", "20/11/2026"]),
    },
)


def outcome(
    postgres: Database,
    maintenance: psycopg.Connection,
    deliveries: list[dict[str, list[object]]],
    how: LoadSettings = LENIENT,
) -> tuple[object, object]:
    """What is stored, and what is set aside, after these deliveries into an empty database."""
    with fresh_database(postgres, maintenance) as database, tempfile.TemporaryDirectory() as home:
        load(database, Path(home) / "first", BASE, how)
        for number, delivery in enumerate(deliveries):
            load(database, Path(home) / str(number), delivery, how)
        return stored(database), rejected(database)


@QUICK
@given(agendas=versions, dispatches=messages, cut=st.integers(0, 6), data=st.data())
def test_r1_order_and_repetition_of_deliveries_do_not_matter(
    postgres, maintenance, agendas, dispatches, cut, data
):
    parts = [
        {"agenda": agendas[:cut]},
        {"dispatch": dispatches[:cut], "agenda": agendas[cut:]},
        {"dispatch": dispatches[cut:]},
    ]
    mixed = data.draw(st.permutations(parts + parts[:2]))
    at_once, _ = outcome(postgres, maintenance, [{"agenda": agendas, "dispatch": dispatches}])
    assert outcome(postgres, maintenance, mixed)[0] == at_once


@QUICK
@given(agendas=versions, dispatches=messages)
def test_both_paths_store_the_same_rows(postgres, maintenance, agendas, dispatches):
    deliveries = [{"agenda": agendas, "dispatch": dispatches}, {"agenda": agendas[:2]}]
    fast = outcome(postgres, maintenance, deliveries)
    assert outcome(postgres, maintenance, deliveries, ROW_BY_ROW) == fast


@QUICK
@given(changes=st.lists(faults, max_size=8), contacts=st.lists(st.integers(1, 3), max_size=4))
def test_r2_no_row_is_lost(postgres, maintenance, changes, contacts):
    rows = [{**agenda(f"b{n}"), **change} for n, change in enumerate(changes)]
    passives = [passive(f"w{n}", agenda_id=f"b{n}") for n in contacts]
    with fresh_database(postgres, maintenance) as database, tempfile.TemporaryDirectory() as home:
        load(database, Path(home) / "1", BASE)
        loaded = load(database, Path(home) / "2", {"agenda": rows, "passive_contact": passives})
        for table, sent in zip(loaded.tables, (rows, passives), strict=True):
            assert table.read == len(sent)
            assert table.read == table.new + table.known + table.rejected + table.parked
            assert len(stored(database)[table.table]) == table.new
