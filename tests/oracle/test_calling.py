"""The other path's reading of R15 to R17, on the edges that the specification names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.reading import publish
from tests.oracle.rows import AppUser, CallAttempt, Company, SourceRows
from tests.oracle.test_reading import (
    AS_OF,
    DAY,
    HOUR,
    LONG_AGO,
    SECOND,
    agenda,
    at,
    dispatch,
    reply,
)
from tests.oracle.test_reading import rows as rows

MINUTE = timedelta(minutes=1)


@pytest.fixture
def called(rows: SourceRows) -> SourceRows:
    """The agenda `a` of the client `p`, due since two days ago without a reply."""
    rows.agenda = [agenda()]
    rows.dispatch = [dispatch("d", at(days=9), sent_at=at(days=2))]
    return rows


def attempt(called_at: datetime, outcome: str, **more: object) -> CallAttempt:
    given: dict[str, object] = {"attempt_id": "t", "agenda_id": "a", "user_id": "u", **more}
    return CallAttempt(updated_at=LONG_AGO, called_at=called_at, outcome=outcome, **given)  # type: ignore[arg-type]


def state(rows: SourceRows, agenda_id: str = "a") -> object:
    (row,) = [
        row
        for row in publish(rows, AS_OF, KNOWN_ERRORS)["agenda_status"]
        if row["agenda_id"] == agenda_id
    ]
    return row["call_state"]


def listed(rows: SourceRows) -> list[dict[str, object]]:
    found = publish(rows, AS_OF, KNOWN_ERRORS)["call_list"]
    return sorted(found, key=lambda row: str(row["position"]))


def test_rest_is_over_at_its_second(called: SourceRows) -> None:
    called.call_attempt = [attempt(at(hours=3), "no_answer")]
    assert state(called) == "listed"
    called.call_attempt = [attempt(at(hours=3) + SECOND, "no_answer")]
    assert state(called) == "resting"
    called.company = [replace(called.company[0], call_rest_hours=Decimal(0))]
    assert state(called) == "listed"


def test_an_agreed_time_is_kept_and_known_to_the_whole_person(called: SourceRows) -> None:
    promised = attempt(at(hours=1), "call_back", call_back_at=AS_OF + SECOND)
    called.agenda.append(agenda("b"))
    called.dispatch.append(replace(dispatch("e", at(days=9), sent_at=at(days=2)), agenda_id="b"))
    called.call_attempt = [promised]
    assert (state(called), state(called, "b")) == ("call_back", "call_back")
    called.call_attempt = [replace(promised, call_back_at=AS_OF)]
    assert (state(called), state(called, "b")) == ("listed", "listed")
    assert [(row["agenda_id"], row["priority"], row["card"]) for row in listed(called)] == [
        ("a", 0, 1),
        ("b", 2, 1),
    ]
    # Without a time it is a call like any: the person rests.
    called.call_attempt = [replace(promised, call_back_at=None)]
    assert (state(called), state(called, "b")) == ("resting", "resting")


def test_a_message_of_another_agenda_holds_the_person(called: SourceRows) -> None:
    called.agenda.append(replace(agenda("b"), closed_at=at(hours=1)))
    message = replace(dispatch("e", at(days=9), sent_at=at(days=2)), agenda_id="b")
    called.dispatch.append(replace(message, sent_at=at(days=2) + SECOND))
    assert state(called) == "client_messaged"
    called.dispatch[-1] = message
    assert state(called) == "listed"


def test_a_number_of_more_than_five_clients_is_no_person(called: SourceRows) -> None:
    for number in range(5):
        other = replace(called.client[0], client_id=f"q{number}")
        called.client.append(other)
        called.agenda.append(replace(agenda(f"q{number}"), client_id=other.client_id))
    called.call_attempt = [attempt(at(hours=1), "busy", agenda_id="q0")]
    assert state(called) == "listed"
    called.agenda.pop()
    assert state(called) == "resting"


def test_calls_refused_until_the_client_asks_here(called: SourceRows) -> None:
    called.company.append(Company("c2", "Outra"))
    called.agenda.append(replace(agenda("b"), company_id="c2"))
    called.call_attempt = [attempt(at(days=1), "do_not_call", agenda_id="b")]
    assert state(called) == "do_not_call"
    called.reply = [reply("r", "call_me", at(days=1))]
    assert state(called) == "do_not_call"  # not later than the refusal
    called.reply = [reply("r", "call_me", at(days=1) + SECOND)]
    assert state(called) == "listed"


def test_the_flag_turns_only_where_it_says_something_else(called: SourceRows) -> None:
    first = called.client[0]
    called.client = [
        replace(first, updated_at=at(days=30), accepts_calls=True),
        replace(first, updated_at=at(days=20), accepts_calls=False),
        replace(first, updated_at=at(days=10), accepts_calls=None),
        replace(first, updated_at=at(days=5), accepts_calls=False),
    ]
    (done,) = publish(called, AS_OF, KNOWN_ERRORS)["call_done"]
    assert (done["refused_at"], done["refused_by"]) == (at(days=20), "flag")
    called.client.append(replace(first, updated_at=at(days=1), accepts_calls=True))
    assert state(called) == "listed"


def test_a_wrong_number_strikes_the_first_left(called: SourceRows) -> None:
    once = attempt(at(hours=9), "wrong_number")
    called.call_attempt = [once]
    assert [row["phone_kind"] for row in listed(called)] == ["landline"]
    again = replace(once, attempt_id="t2", called_at=at(hours=9) + MINUTE - SECOND)
    called.call_attempt = [once, again]  # less than a minute after: one call
    assert [row["phone_kind"] for row in listed(called)] == ["landline"]
    called.call_attempt = [once, replace(again, called_at=at(hours=9) + MINUTE)]
    (row,) = listed(called)
    assert (row["phone"], row["priority"]) == (None, 4)
    corrected = replace(called.client[0], updated_at=at(hours=8), mobile="98123-9999")
    called.client.append(corrected)
    assert [row["phone"] for row in listed(called)] == ["11981239999"]


def test_a_card_is_on_the_list_of_the_first_who_can_open_it(called: SourceRows) -> None:
    called.app_user = [
        AppUser("gone", "gone", "Gone", "attendant", "c", False),
        AppUser("here", "here", "Here", "attendant", "c", True),
    ]
    called.agenda = [
        replace(agenda(), agent_id="gone"),
        replace(agenda("b"), agent_id="here"),
        agenda("d"),
    ]
    called.dispatch += [
        replace(dispatch(f"of {name}", at(days=9), sent_at=at(days=2)), agenda_id=name)
        for name in "bd"
    ]
    assert [(row["agent_id"], row["card"]) for row in listed(called)] == [("here", 1)] * 3
    waiting = publish(called, AS_OF, KNOWN_ERRORS)["call_waiting"]
    assert {row["agenda_id"]: (row["agent_id"], row["wait_reason"]) for row in waiting} == {
        "a": ("gone", "on_other_list"),
        "d": (None, "on_other_list"),
    }


def test_the_limit_of_calls_and_what_starts_it_anew(called: SourceRows) -> None:
    called.company = [replace(called.company[0], max_call_attempts=2)]
    called.call_attempt = [
        attempt(at(hours=20), "busy", attempt_id="t1"),
        attempt(at(hours=10), "no_answer", attempt_id="t2"),
    ]
    assert state(called) == "exhausted"
    called.call_attempt[1] = replace(
        called.call_attempt[1], outcome="call_back", call_back_at=at(hours=4)
    )
    assert state(called) == "listed"
    called.call_attempt = [attempt(at(days=2) - HOUR, "busy"), attempt(at(days=3), "busy")]
    assert state(called) == "listed"  # before `since` and after it: one own call


def test_a_promise_makes_due_before_the_contact_date(called: SourceRows) -> None:
    called.agenda = [replace(agenda(), contact_date=(AS_OF + 3 * DAY).date())]
    assert state(called) is None
    called.call_attempt = [attempt(at(hours=5), "call_back", call_back_at=at(hours=1))]
    (row,) = listed(called)
    assert (row["call_reason"], row["since"], row["own_calls"]) == (
        *("call_requested", at(hours=5)),
        1,
    )
