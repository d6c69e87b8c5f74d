"""A day of attendants who work their lists from the top, in steps of half an hour (R15, R16).

The calls of each step are delivered before the next one, and the lists are those that the program
publishes. The same day is worked by the order of 0.3.0 as well, for comparison: due agendas by
reason and age, each attendant remembering only whom they have called themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from tests_database import fresh_database

from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.postgres.database import Database
from tests.oracle import warehouse
from tests.oracle.agenda_rules import (
    Reading,
    days_old_at,
    ends_agreed,
    in_order,
    is_agreed,
    read_agenda,
)
from tests.oracle.calling import Callings
from tests.oracle.deliveries import random_delivery
from tests.oracle.delivery_files import write_delivery
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.local_time import hours_after
from tests.oracle.rows import CallAttempt, SourceRows
from tests.oracle.world import World, world_as_of

STEP, STEPS = timedelta(minutes=30), 18
CALLS_A_STEP, CALL = 3, timedelta(minutes=8)
OUTCOMES = {
    **{"no_answer": 8, "busy": 4, "call_back": 6, "wrong_number": 2, "other": 2},
    **{"booked": 2, "refused": 2, "do_not_call": 1},
}
Lists = dict[tuple[str, str | None], list[list[str]]]
"""By company and attendant, the cards in their order; a card is the ids of its agendas."""


@dataclass(slots=True)
class Day:
    """The source, as it grows by the calls of the day, and what was wrong with these."""

    rows: SourceRows
    dice: Random
    calls: int = 0
    promised: dict[tuple[str, str], datetime] = field(default_factory=dict)
    kept: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Known:
    """What the other path says at the time of a list."""

    world: World
    readings: dict[str, Reading]
    callings: Callings


def known_at(rows: SourceRows, as_of: datetime) -> Known:
    world = world_as_of(rows, as_of)
    readings = [read_agenda(world, one, KNOWN_ERRORS) for one in world.agendas.values()]
    return Known(world, {one.agenda.agenda_id: one for one in readings}, Callings(world, readings))


def work(day: Day, as_of: datetime, lists: Lists) -> list[CallAttempt]:
    """Call the first cards of each list, and hold each call against the rules."""
    known = known_at(day.rows, as_of)
    made: list[CallAttempt] = []
    for place in range(CALLS_A_STEP):
        at = as_of + CALL * place
        for (_, agent), cards in sorted(lists.items(), key=repr):
            if place >= len(cards):
                continue
            card = cards[place]
            faults = {
                fault for agenda_id in card for fault in faults_of(known, made, agenda_id, at)
            }
            day.wrong.update(faults)
            day.calls += 1
            (outcome,) = day.dice.choices(list(OUTCOMES), list(OUTCOMES.values()))
            back = at + timedelta(minutes=day.dice.randrange(20, 240))
            made += [
                CallAttempt(
                    f"day {day.calls} {agenda_id}",
                    at,
                    agenda_id,
                    agent or "somebody",
                    at,
                    outcome,
                    back if outcome == "call_back" else None,
                )
                for agenda_id in card
            ]
    return made


def faults_of(known: Known, made: list[CallAttempt], agenda_id: str, at: datetime) -> Iterator[str]:
    """What is wrong with calling this agenda's person then."""
    world, one = known.world, known.readings[agenda_id]
    company_id = one.agenda.company_id
    person = known.callings.person(one.agenda)
    theirs = [
        other for other in known.readings.values() if known.callings.person(other.agenda) == person
    ]
    ids = {other.agenda.agenda_id for other in theirs}
    before = in_order(
        [
            *(call for agenda_id in ids for call in world.attempts_of_agenda.get(agenda_id, [])),
            *(call for call in made if call.agenda_id in ids and call.called_at < at),
        ]
    )
    asked = one.due is not None and one.due.reason == "call_requested"
    last = before[-1] if before else None
    if last and not is_agreed(last):
        rested = hours_after(last.called_at, world.parameters[company_id].call_rest_hours)
        if at < rested and not (asked and one.due and last.called_at < one.due.since):
            yield "called again within the rest time"
    if known.callings.refusal(one.agenda.client_id, one.agenda):
        yield "called though calls are refused"
    if not asked and not ends_agreed(one.cycle_calls):
        sent = [
            message.sent_at
            for other in theirs
            if other is not one
            for message in other.messages
            if message.sent_at is not None
        ]
        if sent and days_old_at(world, company_id, max(sent)) > world.as_of:
            yield "called while another message is young"


def keep_promises(day: Day, as_of: datetime, lists: Lists) -> None:
    """Count the agreed times that have come since the last step, and who is called for them now."""
    known = known_at(day.rows, as_of)
    first = {agenda_id for cards in lists.values() for card in cards for agenda_id in card}
    for one in known.readings.values():
        last = one.cycle_calls[-1] if one.cycle_calls else None
        if not (last and is_agreed(last) and last.call_back_at and one.due):
            continue
        if not as_of - STEP < last.call_back_at <= as_of:
            continue
        if known.callings.refusal(one.agenda.client_id, one.agenda):
            continue
        person = known.callings.person(one.agenda)
        later = in_order(
            call
            for other in known.readings.values()
            if known.callings.person(other.agenda) == person
            for call in known.world.attempts_of_agenda.get(other.agenda.agenda_id, [])
        )[-1]
        if later.called_at > last.called_at or not is_agreed(later):
            continue  # something else was agreed, or said, since
        day.promised[one.agenda.agenda_id, last.attempt_id] = last.call_back_at
        if one.agenda.agenda_id in first:
            day.kept += 1


def worked(rows: SourceRows, start: datetime, lists_at: Callable[[Day, datetime], Lists]) -> Day:
    """A whole day by the lists of that order."""
    day = Day(replace(rows, call_attempt=list(rows.call_attempt)), Random(7))
    for step in range(STEPS):
        as_of = start + STEP * step
        lists = lists_at(day, as_of)
        keep_promises(day, as_of, lists)
        day.rows.call_attempt += work(day, as_of, lists)
    return day


def published_lists(database: Database, folder: Path) -> Callable[[Day, datetime], Lists]:
    """The lists of the program, which has loaded all but the calls of the last step."""
    loaded = 0

    def lists_at(day: Day, as_of: datetime) -> Lists:
        nonlocal loaded
        new = day.rows.call_attempt[loaded:]
        if loaded:
            write_delivery(SourceRows(call_attempt=new), folder / str(loaded), 0, ("call_attempt",))
            load_delivery(database, folder / str(loaded), LoadSettings())
        loaded = len(day.rows.call_attempt)
        warehouse.publish(database, as_of, folder / "dbt")
        lists: Lists = defaultdict(list)
        with database.connect() as conn:
            found = conn.execute(
                "select company_id, agent_id, array_agg(agenda_id order by position)"
                " from marts.call_list group by company_id, agent_id, card"
                " order by company_id, agent_id, card"
            )
            for company_id, agent_id, agenda_ids in found:
                lists[company_id, agent_id].append(agenda_ids)
        return lists

    return lists_at


def order_of_0_3_0(day: Day, as_of: datetime) -> Lists:
    """Due agendas by reason and age; without those that their own attendant has called today."""
    known = known_at(replace(day.rows, call_attempt=[]), as_of)
    called = {one.agenda_id for one in day.rows.call_attempt if one.attempt_id.startswith("day ")}
    due = [one for one in known.readings.values() if one.due and one.agenda.agenda_id not in called]
    priority = {"call_requested": 1, "no_reply": 2, "not_sent": 3}

    def order(one: Reading) -> tuple[object, ...]:
        assert one.due
        return priority[one.due.reason], one.due.since, one.agenda.agenda_id

    lists: Lists = defaultdict(list)
    for one in sorted(due, key=order):
        lists[one.agenda.company_id, one.agenda.agent_id].append([one.agenda.agenda_id])
    return lists


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_nobody_is_called_twice_and_every_agreed_time_is_kept(
    postgres: Database,
    maintenance: psycopg.Connection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    delivery = random_delivery(4, companies=4, agendas_per_company=80)
    with fresh_database(postgres, maintenance) as database:
        warehouse.load(database, delivery.rows, tmp_path / "delivery", 4)
        day = worked(delivery.rows, delivery.as_of, published_lists(database, tmp_path))
    before = worked(delivery.rows, delivery.as_of, order_of_0_3_0)
    with capsys.disabled():
        for name, one in (("this order", day), ("order of 0.3.0", before)):
            print(
                f"\n{name}: {one.calls} calls, {len(one.promised)} agreed times came, {one.kept} "
                f"kept; {dict(one.wrong) or 'nothing wrong'}"
            )
    assert day.wrong == Counter()
    assert day.calls > 100
    assert len(day.promised) > 5
    assert day.kept == len(day.promised)
