"""The lists of section 4 on calls, and the jobs of R13."""

from __future__ import annotations

from datetime import datetime

from tests.oracle.agenda_rules import Reading, ends_agreed
from tests.oracle.calling import Callings, Listed
from tests.oracle.world import World

Row = dict[str, object]


def call_list(world: World, callings: Callings) -> list[Row]:
    """R15, R16. Who is called now."""
    return [_call_row(world, row) for row in callings.listed]


def _call_row(world: World, row: Listed) -> Row:
    one, call = row.one, row.call
    assert one.due
    last = one.cycle_calls[-1] if one.cycle_calls else None
    return {
        "agenda_id": one.agenda.agenda_id,
        "company_id": one.agenda.company_id,
        "agent_id": row.owner,
        "agenda_agent_id": one.agenda.agent_id,
        "client_id": one.agenda.client_id,
        "card": row.card,
        "position": row.position,
        "priority": row.priority,
        "call_reason": one.due.reason,
        "call_detail": one.due.detail,
        "since": one.due.since,
        "phone": call.number[0] if call.number else None,
        "phone_kind": call.number[1] if call.number else None,
        "own_calls": len(call.own_calls),
        "call_back_at": call.last.call_back_at if call.last and row.priority == 0 else None,
        "attempts": len(one.cycle_calls),
        "last_attempt_at": last.called_at if last else None,
        "last_outcome": last.outcome if last else None,
        "hints": row.hints,
        "as_of": world.as_of,
    }


def call_waiting(world: World, agendas: list[Reading], callings: Callings) -> list[Row]:
    """Section 4. Due agendas that wait, and agendas that are due once a time is over."""
    waiting: list[tuple[Reading, str, datetime | None]] = []
    for one in agendas:
        if one.not_yet and not callings.refusal(one.agenda.client_id, one.agenda):
            waiting.append((one, one.not_yet.reason, one.not_yet.callable_at))
        call = callings.states.get(one.agenda.agenda_id)
        if call and call.state in ("call_back", "resting", "client_messaged"):
            waiting.append((one, call.state, call.callable_at))
    waiting += [
        (row.one, "on_other_list", None)
        for row in callings.listed
        if row.owner != row.one.agenda.agent_id
    ]
    return [
        {
            "agenda_id": one.agenda.agenda_id,
            "company_id": one.agenda.company_id,
            "agent_id": one.agenda.agent_id,
            "wait_reason": reason,
            "callable_at": callable_at,
            "as_of": world.as_of,
        }
        for one, reason, callable_at in waiting
    ]


def call_done(world: World, agendas: list[Reading], callings: Callings) -> list[Row]:
    """Section 4. Due agendas that nobody calls any more."""
    rows: list[Row] = []
    for one in agendas:
        call = callings.states.get(one.agenda.agenda_id)
        if not call or call.state not in ("done", "do_not_call", "exhausted"):
            continue
        refusal = call.refusal if call.state == "do_not_call" else None
        rows.append(
            {
                "agenda_id": one.agenda.agenda_id,
                "company_id": one.agenda.company_id,
                "agent_id": one.agenda.agent_id,
                "call_state": call.state,
                "outcome": call.last.outcome if call.last else None,
                "called_at": call.last.called_at if call.last else None,
                "loss_reason_id": call.last.loss_reason_id if call.last else None,
                "own_calls": len(call.own_calls),
                "refused_at": refusal.at if refusal else None,
                "refused_by": refusal.by if refusal else None,
                "as_of": world.as_of,
            }
        )
    return rows


def no_show_return(world: World, agendas: list[Reading]) -> list[Row]:
    """R13. The automatic no-shows whose booking is yet to be cancelled."""
    return [
        {
            "booking_id": one.latest_booking.booking_id,
            "agenda_id": one.agenda.agenda_id,
            "company_id": one.agenda.company_id,
            "no_show_at": one.no_show.at,
            "as_of": world.as_of,
        }
        for one in agendas
        if one.latest_booking is not None
        and one.no_show is not None
        and one.no_show.kind == "automatic"
        and one.latest_booking.cancelled_at is None
    ]


def dispatch_due(world: World, agendas: list[Reading]) -> list[Row]:
    """R13. The agendas to put in LEADZAP's queue now."""
    return [
        {
            "agenda_id": one.agenda.agenda_id,
            "company_id": one.agenda.company_id,
            "purpose": "first_contact" if one.cycle_start is None else "no_show",
            "as_of": world.as_of,
        }
        for one in agendas
        if is_due(world, one)
    ]


def is_due(world: World, one: Reading) -> bool:
    """R13. Nothing sent, nothing on its way, no word by phone, and worth a (further) try."""
    failures = sum(each.failed for each in one.cycle_messages)
    try_again = one.cause in ("transient", "rate_limit") and failures < 3
    said = one.cycle_calls[-1].outcome if one.cycle_calls else None
    return (
        one.agenda.origin == "active"
        and one.is_open
        and world.is_today_or_before(one.agenda)
        and one.response == "not_sent"
        and one.reason_without_sent == "other"
        and not any(each.pending for each in one.messages)
        and said not in ("booked", "refused")
        and not ends_agreed(one.cycle_calls)
        and (one.cause == "not_queued" or try_again)
    )
