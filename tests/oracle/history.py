"""What happened to each agenda: its messages, replies, bookings and calls, and how far it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.oracle.agenda_rules import Reading, no_show, opted_at, opted_out
from tests.oracle.failure_causes import UNKNOWN_ERROR
from tests.oracle.local_time import local_date
from tests.oracle.totals import dimensions
from tests.oracle.world import World

Row = dict[str, object]
_FUNNEL_KEY = (
    *("company_id", "contact_date", "campaign_id", "event_type_id", "team_id", "agent_id"),
    *("funnel", "step"),
)


def clients(world: World) -> list[Row]:
    """R6. What every client has said about messages, and where it was said."""
    return [
        {
            "client_id": client.client_id,
            "is_opted_out": opted_out(world, client),
            "consent_origin": "reply" if opted_at(world, client) else "register",
            "consent_at": opted_at(world, client),
        }
        for client in world.clients.values()
    ]


def dispatches(
    world: World, agendas: list[Reading], known_errors: Mapping[str, str]
) -> Iterator[Row]:
    """R5. Every message in the queue, with what became of it and why."""
    for one in agendas:
        for message in one.messages:
            of, code = message.dispatch, message.dispatch.error_code if message.failed else None
            yield {
                **_key(one),
                "dispatch_id": of.dispatch_id,
                "purpose": of.purpose,
                "queued_at": of.queued_at,
                "outcome": "failed" if message.failed else "pending" if message.pending else "sent",
                "sent_at": message.sent_at,
                "delivered_at": of.delivered_at,
                "read_at": of.read_at,
                "failed_at": of.failed_at,
                "error_code": code,
                "cause": known_errors.get(code or "", UNKNOWN_ERROR) if message.failed else None,
                "as_of": world.as_of,
            }


def replies(world: World, agendas: list[Reading]) -> Iterator[Row]:
    """Every reply, with what its button says and means."""
    for one in agendas:
        for reply in world.replies_of_agenda.get(one.agenda.agenda_id, []):
            option = world.options[reply.option_id]
            yield {
                **_key(one),
                "reply_id": reply.reply_id,
                "dispatch_id": reply.dispatch_id,
                "option_id": reply.option_id,
                "label": option.label,
                "action": option.action,
                "loss_reason_id": option.loss_reason_id,
                "replied_at": reply.replied_at,
                "as_of": world.as_of,
            }


def bookings(world: World, agendas: list[Reading]) -> Iterator[Row]:
    """R7. Every booking, with its own no-show."""
    for one in agendas:
        for booking in world.bookings_of_agenda.get(one.agenda.agenda_id, []):
            missed = no_show(world, one.agenda, booking)
            yield {
                **_key(one),
                "booking_id": booking.booking_id,
                "channel": booking.channel,
                "created_at": booking.created_at,
                "scheduled_for": booking.scheduled_for,
                "confirmed_at": booking.confirmed_at,
                "arrived_at": booking.arrived_at,
                "cancelled_at": booking.cancelled_at,
                "no_show_kind": missed.kind if missed else None,
                "no_show_at": missed.at if missed else None,
                "as_of": world.as_of,
            }


def phone_calls(world: World, agendas: list[Reading]) -> Iterator[Row]:
    """Section 4. Every phone call of an agenda that exists."""
    for one in agendas:
        for attempt in world.attempts_of_agenda.get(one.agenda.agenda_id, []):
            yield {
                "attempt_id": attempt.attempt_id,
                **_key(one),
                "client_id": one.agenda.client_id,
                "user_id": attempt.user_id,
                "called_at": attempt.called_at,
                "call_date": local_date(attempt.called_at, world.zone(one.agenda.company_id)),
                "outcome": attempt.outcome,
                "call_back_at": attempt.call_back_at,
                "loss_reason_id": attempt.loss_reason_id,
                "as_of": world.as_of,
            }


def funnel(world: World, agendas: list[Reading]) -> list[Row]:
    """How many agendas took each step, by every dimension."""
    counted = Counter(
        (
            one.agenda.company_id,
            one.agenda.contact_date,
            *dimensions(world, one.agenda.agenda_id),
            *step,
        )
        for one in agendas
        for step in (*contact_steps(world, one), *return_steps(world, one))
    )
    return [
        {**dict(zip(_FUNNEL_KEY, key, strict=True)), "agenda_count": count, "as_of": world.as_of}
        for key, count in counted.items()
    ]


def contact_steps(world: World, one: Reading) -> Iterator[tuple[str, str]]:
    """From message to workshop, active agendas; each step a part of the one before it."""
    if one.agenda.origin != "active":
        return
    of_agenda = world.bookings_of_agenda.get(one.agenda.agenda_id, [])
    came = any(booking.arrived_at for booking in of_agenda)
    yield "contact", "agendas"
    if one.last_sent_at:
        yield "contact", "sent"
    if one.last_sent_at and world.replies_of_agenda.get(one.agenda.agenda_id):
        yield "contact", "replied"
        without = ""
    else:
        without = "_without_reply"
    if of_agenda:
        yield "contact", f"booked{without}"
    if came:
        yield "contact", f"came{without}"


def return_steps(world: World, one: Reading) -> Iterator[tuple[str, str]]:
    """From no-show back to the workshop: what came at or after the last no-show."""
    start = one.cycle_start
    if start is None:
        return
    yield "return", "no_show"
    messaged = any(message.sent_at for message in one.cycle_messages)
    if messaged:
        yield "return", "messaged"
    without = "" if messaged else "_without_message"
    again = [
        booking
        for booking in world.bookings_of_agenda.get(one.agenda.agenda_id, [])
        if booking.created_at >= start
    ]
    if again:
        yield "return", f"booked_again{without}"
    if any(booking.arrived_at and booking.arrived_at >= start for booking in again):
        yield "return", f"came{without}"


def _key(one: Reading) -> Row:
    return {"company_id": one.agenda.company_id, "agenda_id": one.agenda.agenda_id}
