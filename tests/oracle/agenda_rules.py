"""R5 to R9 for one agenda, in plain Python over the versions in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.oracle.failure_causes import UNKNOWN_ERROR
from tests.oracle.local_time import hours_after, local_midnight, whole_days
from tests.oracle.phones import valid_phone
from tests.oracle.rows import (
    Agenda,
    Booking,
    CallAttempt,
    ChatbotOption,
    Client,
    Dispatch,
    Reply,
)
from tests.oracle.world import World


@dataclass(frozen=True, slots=True)
class Message:
    """R5. A dispatch that is sent (at an instant), failed, or pending (neither)."""

    dispatch: Dispatch
    sent_at: datetime | None
    failed: bool

    @property
    def pending(self) -> bool:
        """R5. Neither sent nor failed."""
        return self.sent_at is None and not self.failed


@dataclass(frozen=True, slots=True)
class NoShow:
    """R7. How and when a booking became a no-show."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """R9. Why an agenda is due for a call, and since when."""

    reason: str
    detail: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class NotYet:
    """Section 4, `call_waiting`. What an agenda waits for before it is due, and until when."""

    reason: str
    callable_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything R5–R9 say about one agenda."""

    agenda: Agenda
    is_open: bool
    messages: list[Message]
    cycle_messages: list[Message]
    status: str
    reason_without_sent: str
    cause: str | None
    latest_booking: Booking | None
    no_show: NoShow | None
    cycle_start: datetime | None
    response: str
    latest_reply: Reply | None
    reply_action: str | None
    loss_reason_id: str | None
    days_without_reply: int | None
    cycle_calls: list[CallAttempt]
    due: Due | None
    not_yet: NotYet | None

    @property
    def last_sent_at(self) -> datetime | None:
        """The last message sent in the agenda's whole life."""
        return last_sent(self.messages)


def read_agenda(world: World, agenda: Agenda, known_errors: Mapping[str, str]) -> Reading:
    """R5–R9. The whole reading of an agenda that exists."""
    messages = [
        message(dispatch) for dispatch in world.dispatches_of_agenda.get(agenda.agenda_id, [])
    ]
    booking = latest_booking(world, agenda)
    booking_no_show = no_show(world, agenda, booking) if booking else None
    is_open = agenda.closed_at is None
    start = cycle_start(world, agenda)
    of_cycle = cycle_messages(messages, start)
    reason = reason_without_sent(world, agenda)
    reply = latest_reply(world, agenda, start)
    option = world.options[reply.option_id] if reply else None
    message_at = last_sent(of_cycle)
    days = None
    if message_at is not None:
        days = whole_days(message_at, world.as_of)
    response = response_of(world, agenda, booking, booking_no_show, option, days)
    calls = calls_of_cycle(world, agenda, start)
    due = due_or_not_yet(world, agenda, response, reason, start, reply, message_at, calls)
    return Reading(
        agenda=agenda,
        is_open=is_open,
        messages=messages,
        cycle_messages=of_cycle,
        status="sent" if last_sent(messages) else reason,
        reason_without_sent=reason,
        cause=cause(of_cycle, reason, known_errors),
        latest_booking=booking,
        no_show=booking_no_show if is_open else None,
        cycle_start=start,
        response=response,
        latest_reply=reply,
        reply_action=option.action if option else None,
        loss_reason_id=option.loss_reason_id if option and response == "refused" else None,
        days_without_reply=days if response == "no_reply" else None,
        cycle_calls=calls,
        due=due if isinstance(due, Due) else None,
        not_yet=due if isinstance(due, NotYet) else None,
    )


def message(dispatch: Dispatch) -> Message:
    """R5. Failed: failed and neither delivered nor read. Sent: the earliest of the three times."""
    times = (dispatch.sent_at, dispatch.delivered_at, dispatch.read_at)
    reached = dispatch.delivered_at is not None or dispatch.read_at is not None
    failed = dispatch.failed_at is not None and not reached
    sent_at = None if failed else min((time for time in times if time is not None), default=None)
    return Message(dispatch, sent_at, failed)


def last_sent(messages: list[Message]) -> datetime | None:
    """The last time one of the messages was sent."""
    return max((one.sent_at for one in messages if one.sent_at is not None), default=None)


def reason_without_sent(world: World, agenda: Agenda) -> str:
    """R6. The first of `opted_out`, `invalid_phone`, `other` that holds."""
    client = world.clients[agenda.client_id] if agenda.client_id is not None else None
    if client is None:
        return "invalid_phone"
    if opted_out(world, client):
        return "opted_out"
    return "other" if valid_phone(client.ddd, client.mobile) else "invalid_phone"


def opted_out(world: World, client: Client) -> bool:
    """R6. The CRM forbids messages, or the client's latest choice in the chatbot does."""
    choice = latest_choice(world, client.client_id)
    return not client.accepts_messages or (choice is not None and choice[1] == "opt_out")


def opted_at(world: World, client: Client) -> datetime | None:
    """When the client's choice decided; None when the CRM did, or nothing was chosen."""
    choice = latest_choice(world, client.client_id)
    return choice[0] if choice and client.accepts_messages else None


def latest_choice(world: World, client_id: str) -> tuple[datetime, str] | None:
    """R6. The latest opt_out/opt_in on any existing agenda of the client, in any company."""
    said = [
        (reply.replied_at, reply.reply_id, world.options[reply.option_id].action)
        for agenda in world.agendas_of_client.get(client_id, [])
        for reply in world.replies_of_agenda.get(agenda.agenda_id, [])
        if world.options[reply.option_id].action in ("opt_out", "opt_in")
    ]
    if not said:
        return None
    replied_at, _, action = max(said)
    return replied_at, action


def cause(of_cycle: list[Message], reason: str, known_errors: Mapping[str, str]) -> str | None:
    """R6. Why nothing was sent in the cycle, when the recipient is no reason; else null."""
    if reason != "other" or last_sent(of_cycle) is not None:
        return None
    if not of_cycle:
        return "not_queued"
    latest = max(of_cycle, key=lambda one: (one.dispatch.queued_at, one.dispatch.dispatch_id))
    if latest.pending:
        return "queued"
    return known_errors.get(latest.dispatch.error_code or "", UNKNOWN_ERROR)


def no_show(world: World, agenda: Agenda, booking: Booking) -> NoShow | None:
    """R7. Confirmed, not arrived, and marked by hand or past its deadline uncancelled."""
    if booking.confirmed_at is None or booking.arrived_at is not None:
        return None
    if booking.no_show_at is not None:
        return NoShow("manual", booking.no_show_at)
    hours = world.parameters[agenda.company_id].no_show_hours
    deadline = hours_after(booking.scheduled_for, hours)
    cancelled_before = booking.cancelled_at is not None and booking.cancelled_at < deadline
    if deadline <= world.as_of and not cancelled_before:
        return NoShow("automatic", deadline)
    return None


def latest_booking(world: World, agenda: Agenda) -> Booking | None:
    """R7. The booking with the greatest created_at, then the greatest id."""
    return max(
        world.bookings_of_agenda.get(agenda.agenda_id, []),
        key=lambda booking: (booking.created_at, booking.booking_id),
        default=None,
    )


def cycle_start(world: World, agenda: Agenda) -> datetime | None:
    """R7. The greatest no-show time over all bookings of the agenda; none without a no-show."""
    no_shows = [
        no_show(world, agenda, booking)
        for booking in world.bookings_of_agenda.get(agenda.agenda_id, [])
    ]
    return max((one.at for one in no_shows if one is not None), default=None)


def belongs(instant: datetime, start: datetime | None) -> bool:
    """R7. At or after the start of the cycle; without a start everything is."""
    return start is None or instant >= start


def cycle_messages(messages: list[Message], start: datetime | None) -> list[Message]:
    """R7. Sent or queued-and-failed at or after the start; and every pending one."""
    return [
        one
        for one in messages
        if one.pending
        or (one.failed and belongs(one.dispatch.queued_at, start))
        or (one.sent_at is not None and belongs(one.sent_at, start))
    ]


def latest_reply(world: World, agenda: Agenda, start: datetime | None) -> Reply | None:
    """R7, R8. The reply of the cycle with the greatest replied_at, then the greatest id."""
    return max(
        (
            reply
            for reply in world.replies_of_agenda.get(agenda.agenda_id, [])
            if belongs(reply.replied_at, start)
        ),
        key=lambda reply: (reply.replied_at, reply.reply_id),
        default=None,
    )


def response_of(
    world: World,
    agenda: Agenda,
    booking: Booking | None,
    booking_no_show: NoShow | None,
    option: ChatbotOption | None,
    days: int | None,
) -> str:
    """R8. The first response that holds; `days` since the last message of the cycle."""
    if booking and booking.cancelled_at is None and booking_no_show is None:
        return "booked" if booking.channel == "leadzap" else "booked_elsewhere"
    if option:
        return {"refuse": "refused", "call_me": "call_requested"}.get(option.action, "replied")
    if days is None:
        return "not_sent"
    enough = world.parameters[agenda.company_id].no_reply_days
    return "no_reply" if days >= enough else "awaiting_reply"


def calls_of_cycle(world: World, agenda: Agenda, start: datetime | None) -> list[CallAttempt]:
    """R15. The calls of this agenda at or after the start of its cycle, the last one last."""
    return in_order(
        attempt
        for attempt in world.attempts_of_agenda.get(agenda.agenda_id, [])
        if belongs(attempt.called_at, start)
    )


def in_order(attempts: Iterable[CallAttempt]) -> list[CallAttempt]:
    """R15. "Last" is greatest called_at, then id."""
    return sorted(attempts, key=lambda attempt: (attempt.called_at, attempt.attempt_id))


def is_agreed(attempt: CallAttempt) -> bool:
    """R15. An agreed call-back."""
    return attempt.outcome == "call_back" and attempt.call_back_at is not None


def ends_agreed(attempts: list[CallAttempt]) -> bool:
    """Whether the last of these calls is an agreed call-back."""
    return bool(attempts) and is_agreed(attempts[-1])


def due_or_not_yet(
    world: World,
    agenda: Agenda,
    response: str,
    reason: str,
    start: datetime | None,
    reply: Reply | None,
    message_at: datetime | None,
    calls: list[CallAttempt],
) -> Due | NotYet | None:
    """R9. Why an agenda is due, or what it waits for before it is, or neither."""
    if agenda.origin != "active" or agenda.closed_at is not None:
        return None
    if response == "call_requested":
        assert reply is not None
        return Due("call_requested", None, reply.replied_at)
    if response not in ("replied", "awaiting_reply", "no_reply", "not_sent"):
        return None
    if ends_agreed(calls):
        return Due("call_requested", None, calls[-1].called_at)
    if not world.is_today_or_before(agenda):
        return None
    if response in ("no_reply", "awaiting_reply"):
        assert message_at is not None
        if response == "no_reply":
            return Due("no_reply", None, message_at)
        return NotYet("awaiting_reply", days_old_at(world, agenda.company_id, message_at))
    if response == "replied" and reason != "opted_out":
        return None
    midnight = local_midnight(agenda.contact_date, world.zone(agenda.company_id))
    if reason == "other":
        ends = grace_end(world, agenda.company_id, midnight, start)
        if ends > world.as_of:
            return NotYet("dispatch_grace", ends)
    return Due("not_sent", reason, midnight)


def days_old_at(world: World, company_id: str, message_at: datetime) -> datetime:
    """R8. When a message is `no_reply_days` days old."""
    return message_at + timedelta(days=world.parameters[company_id].no_reply_days)


def grace_end(
    world: World, company_id: str, midnight: datetime, start: datetime | None
) -> datetime:
    """R9. Until when a message may still be on its way."""
    begin = midnight if start is None else max(midnight, start)
    return hours_after(begin, world.parameters[company_id].dispatch_grace_hours)
