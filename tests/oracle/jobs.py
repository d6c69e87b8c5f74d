"""R9's lists in their order, and the jobs of R13."""

from __future__ import annotations

from datetime import datetime

from tests.oracle.agenda_rules import Reading, Wait, belongs
from tests.oracle.local_time import local_date
from tests.oracle.phones import number_to_phone
from tests.oracle.rows import CallAttempt
from tests.oracle.world import World

Row = dict[str, object]


def call_list(world: World, agendas: list[Reading]) -> list[Row]:
    """R9. Who is to be phoned, numbered within company and agent."""
    lists: dict[tuple[str, str | None], list[Reading]] = {}
    for one in agendas:
        if one.call:
            lists.setdefault((one.agenda.company_id, one.agenda.agent_id), []).append(one)
    return [
        _call_row(world, one, position)
        for of_agent in lists.values()
        for position, one in enumerate(sorted(of_agent, key=_order), start=1)
    ]


def _order(one: Reading) -> tuple[object, ...]:
    """R9. Priority, then oldest first, then agenda id."""
    assert one.call
    oldest = one.agenda.contact_date if one.call.priority == 3 else one.call.since
    return (one.call.priority, oldest, one.agenda.agenda_id)


def _call_row(world: World, one: Reading, position: int) -> Row:
    assert one.call
    agenda = one.agenda
    client = world.clients[agenda.client_id] if agenda.client_id is not None else None
    attempts = attempts_in_cycle(world, one)
    last = max(attempts, key=lambda each: (each.called_at, each.attempt_id), default=None)
    return {
        "agenda_id": agenda.agenda_id,
        "company_id": agenda.company_id,
        "agent_id": agenda.agent_id,
        "priority": one.call.priority,
        "position": position,
        "call_reason": one.call.reason,
        "call_detail": one.call.detail,
        "since": one.call.since,
        "phone": number_to_phone(client.ddd, client.mobile, client.landline) if client else None,
        "attempts": len(attempts),
        "last_attempt_at": last.called_at if last else None,
        "last_outcome": last.outcome if last else None,
        "listed_at": one.call.listed_at,
        "days_untried": days_untried(world, one, one.call.listed_at),
        "as_of": world.as_of,
    }


def days_untried(world: World, one: Reading, listed_at: datetime) -> int | None:
    """How many local days ago an agenda came onto the list, if that is 1 or more without a call."""
    attempts = world.attempts_of_agenda.get(one.agenda.agenda_id, [])
    if any(attempt.called_at >= listed_at for attempt in attempts):
        return None
    zone = world.zone(one.agenda.company_id)
    days = (local_date(world.as_of, zone) - local_date(listed_at, zone)).days
    return days if days > 0 else None


def call_waiting(world: World, agendas: list[Reading]) -> list[Row]:
    """R9. Who must not be phoned yet, numbered within company and agent, the soonest first."""
    waiting: dict[tuple[str, str | None], list[tuple[datetime, str, Wait]]] = {}
    for one in agendas:
        if one.wait:
            waiting.setdefault((one.agenda.company_id, one.agenda.agent_id), []).append(
                (one.wait.callable_at, one.agenda.agenda_id, one.wait)
            )
    return [
        {
            "company_id": company_id,
            "agenda_id": agenda_id,
            "agent_id": agent_id,
            "position": position,
            "wait_reason": wait.reason,
            "since": wait.since,
            "callable_at": callable_at,
            "as_of": world.as_of,
        }
        for (company_id, agent_id), of_agent in waiting.items()
        for position, (callable_at, agenda_id, wait) in enumerate(
            sorted(of_agent, key=lambda row: row[:2]), start=1
        )
    ]


def attempts_in_cycle(world: World, one: Reading) -> list[CallAttempt]:
    """R9. The calls made at or after the start of the cycle."""
    return [
        attempt
        for attempt in world.attempts_of_agenda.get(one.agenda.agenda_id, [])
        if belongs(attempt.called_at, one.cycle_start)
    ]


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
    """R13. Nothing sent, nothing on its way, and worth a (further) try."""
    failures = sum(each.failed for each in one.cycle_messages)
    try_again = one.cause in ("transient", "rate_limit") and failures < 3
    return (
        one.agenda.origin == "active"
        and one.is_open
        and world.is_today_or_before(one.agenda)
        and one.response == "not_sent"
        and one.reason_without_sent == "other"
        and not any(each.pending for each in one.messages)
        and (one.cause == "not_queued" or try_again)
    )
