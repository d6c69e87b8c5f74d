"""R9: who must not be phoned yet comes onto the call list at the second that was promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.postgres.database import Database
from orchestration.publication.dbt import build
from tests.oracle import warehouse
from tests.oracle.agenda_rules import Wait, read_agenda
from tests.oracle.deliveries import random_delivery
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.rows import (
    Agenda,
    AppUser,
    Campaign,
    ChatbotOption,
    Client,
    Company,
    Dispatch,
    EventType,
    LossReason,
    SourceRows,
    Team,
    Vehicle,
)
from tests.oracle.world import World, world_as_of

SECOND = timedelta(seconds=1)
# Over midnight of 2018-11-04 the clocks of São Paulo went an hour forward.
CHANGE = datetime(2018, 11, 4, 3, tzinfo=UTC)


def rows() -> SourceRows:
    """Two agendas that wait for the same instant, one of them by its message."""
    long_ago = CHANGE - timedelta(days=90)
    sent_at = CHANGE - timedelta(hours=48)
    return SourceRows(
        company=[Company("c", "Empresa", dispatch_grace_hours=None)],
        app_user=[AppUser("u", "u", "Pessoa", "attendant", "c", True)],
        team=[Team("t", "c", "Equipe", True)],
        campaign=[Campaign("k", "Campanha", True)],
        event_type=[EventType("e", "k", "Revisão")],
        loss_reason=[LossReason("l", "Motivo")],
        chatbot_option=[ChatbotOption("o", None, "Outro", "other")],
        client=[
            Client("p", long_ago, "Pessoa", "11", "981234567", None, None, True),
            Client("q", long_ago, "Outra", "11", "981234568", None, None, True),
        ],
        vehicle=[Vehicle("v", long_ago, "p", None, None, True)],
        agenda=[
            Agenda(
                name, long_ago, "c", client, None, "e", None, None, "active", day, long_ago, None
            )
            for name, client, day in (
                ("silent", "p", date(2018, 11, 1)),
                ("in_grace", "q", date(2018, 11, 3)),
            )
        ],
        dispatch=[
            Dispatch("d", long_ago, "silent", "first_contact", sent_at - SECOND, sent_at=sent_at)
        ],
    )


def test_the_waiting_come_onto_the_list_at_the_promised_second(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the data tests those whose tables are all built here.
    monkeypatch.setenv("DBT_INDIRECT_SELECTION", "cautious")
    delivery = rows()
    # Their grace, counted from the midnight before, ends when the clocks change.
    delivery.company = [replace(delivery.company[0], dispatch_grace_hours=24)]  # type: ignore[arg-type]
    warehouse.load(database, delivery, tmp_path / "delivery", seed=1)
    waiting = {"silent", "in_grace"}
    for as_of, expected in (
        (CHANGE - timedelta(days=1), (waiting, set())),
        (CHANGE - SECOND, (waiting, set())),
        (CHANGE, (set(), waiting)),
    ):
        build(database, as_of, tmp_path / "dbt", select=["+call_waiting", "+call_list"])
        with database.connect() as conn:
            told = dict(
                conn.execute(
                    "select agenda_id, callable_at from marts_next.call_waiting"
                ).fetchall()
            )
            listed = {
                name for (name,) in conn.execute("select agenda_id from marts_next.call_list")
            }
        assert (set(told), listed) == expected
        assert set(told.values()) <= {CHANGE}


def waits(world: World) -> dict[str, Wait]:
    """Who waits as of that instant, by agenda."""
    readings = (read_agenda(world, agenda, KNOWN_ERRORS) for agenda in world.agendas.values())
    return {one.agenda.agenda_id: one.wait for one in readings if one.wait}


@pytest.mark.parametrize("seed", range(3))
def test_nothing_else_happening_a_wait_ends_when_it_was_said(seed: int) -> None:
    """The reading, held against itself at later instants: the clock goes on, no event happens."""
    delivery = random_delivery(seed, companies=8, agendas_per_company=25)
    world = world_as_of(delivery.rows, delivery.as_of)
    told = waits(world)
    assert told
    for agenda_id, wait in told.items():
        agenda = world.agendas[agenda_id]
        before, then = (
            read_agenda(replace(world, as_of=instant), agenda, KNOWN_ERRORS)
            for instant in (wait.callable_at - SECOND, wait.callable_at)
        )
        cycle = read_agenda(world, agenda, KNOWN_ERRORS).cycle_start
        if then.cycle_start != cycle:
            continue  # a deadline passed meanwhile: something else happened
        assert then.call, wait
        assert wait.callable_at - SECOND < delivery.as_of or not before.call, wait
