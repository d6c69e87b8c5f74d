"""The sentences about an agenda: whether and why to call, WhatsApp messages and the response."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple

from reports import formats, labels
from reports.queries.agendas import AgendaRow
from reports.queries.companies import Company
from reports.queries.total_rows import CountedRow


class Signal(NamedTuple):
    """Whether and when a WhatsApp message was sent, or why not."""

    kind: Literal["sent", "not-sent"]
    text: str


class Phone(NamedTuple):
    """A number to call and its `tel:` link, which is empty if the number is masked."""

    text: str
    href: str


class Standing(NamedTuple):
    """Whether to call the client now, not yet or not at all, and why."""

    kind: str
    words: str
    why: str


class CallPhrases(NamedTuple):
    """An agenda with its sentences. `callable_from` is empty unless the client is waiting."""

    row: AgendaRow
    client: str
    phone: Phone | None
    standing: Standing
    signal: Signal
    attempts: str
    untried: str
    callable_from: str
    vehicle: str


def phrases_of(company: Company, row: AgendaRow) -> CallPhrases:
    """Build the sentences of an agenda, for its list and its Ficha."""
    is_listed = row.call_position is not None
    is_waiting = row.wait_position is not None
    return CallPhrases(
        row,
        row.client_name or labels.NO_CLIENT,
        phone_of(row),
        standing_of(company, row),
        signal_of(company, row),
        attempts_of(company, row) if is_listed else "",
        untried_of(row),
        callable_from(company, row) if is_waiting else "",
        vehicle(row.vehicle_model, row.vehicle_plate),
    )


def standing_of(company: Company, row: AgendaRow) -> Standing:
    """Say whether to call the client now, not yet or not at all, and why (R9)."""
    if row.call_position is not None:
        words = labels.STANDING_CALL.format(position=formats.number(row.call_position))
        return Standing("call", words, reason_of(company, row))
    if row.wait_reason == "on_other_list":
        return Standing("wait", labels.STANDING_OTHER_LIST, wait_of(company, row))
    if row.wait_position is not None:
        words = labels.STANDING_WAIT.format(moment=callable_from(company, row))
        return Standing("wait", words, wait_of(company, row))
    return Standing("none", labels.STANDING_NONE, _why_not(company, row))


def phone_of(row: AgendaRow) -> Phone | None:
    """Return the phone number that R9 selects, if any."""
    return Phone(formats.phone(row.phone), formats.phone_link(row.phone)) if row.phone else None


def signal_of(company: Company, row: AgendaRow) -> Signal:
    """Say whether and when a message was sent.

    A message from before the last no-show does not count for this cycle (R7), but is mentioned.
    """
    if row.last_sent_at is not None:
        sent = formats.recent_moment(row.last_sent_at, company.local_date)
        if row.cycle_start is None or row.last_sent_at >= row.cycle_start:
            return Signal("sent", labels.SIGNAL_SENT.format(sent=sent))
        start = formats.recent_moment(row.cycle_start, company.local_date)
        return Signal("not-sent", labels.SIGNAL_SENT_BEFORE.format(sent=sent, cycle_start=start))
    if row.call_reason == "not_sent":
        return Signal("not-sent", labels.SIGNAL_NOT_SENT)  # the call reason says why
    why = _why(row, row.whatsapp_status)
    return Signal("not-sent", labels.SIGNAL_NOT_SENT_WHY.format(why=why))


def reason_of(company: Company, row: AgendaRow) -> str:
    """Say why the client is on the call list, in one sentence with the evidence."""
    today = company.local_date
    if row.call_back_at is not None:
        agreed = formats.recent_moment(row.call_back_at, today)
        return labels.REASON_CALL_BACK.format(call_back_at=agreed)
    if row.call_reason == "call_requested" and row.since is not None:
        return labels.REASON_CALL_REQUESTED.format(since=formats.recent_moment(row.since, today))
    if row.call_reason == "no_reply":
        return labels.REASON_NO_REPLY.format(
            message=_message(company, row),
            days=formats.days(row.days_without_reply or 0),
            limit=formats.days(company.no_reply_days),
        )
    if row.replied_at is not None and row.call_detail == "opted_out":
        return labels.REASON_REPLIED_OPTED_OUT.format(
            replied_at=formats.recent_moment(row.replied_at, today)
        )
    why = _why(row, row.call_detail or row.whatsapp_status)
    if row.cycle_start is not None:
        start = formats.recent_moment(row.cycle_start, today)
        return labels.REASON_NOT_SENT_AGAIN.format(cycle_start=start, why=why)
    if row.call_detail == "other":
        grace = formats.hours(company.dispatch_grace_hours)
        return labels.REASON_NOT_SENT_LATE.format(why=why, grace=grace)
    return labels.REASON_NOT_SENT.format(why=why)


def wait_of(company: Company, row: AgendaRow) -> str:
    """Say why the client must not be called yet, in one sentence with the evidence."""
    if words := labels.WAIT_REASONS.get(row.wait_reason or ""):
        return words
    if row.wait_reason == "awaiting_reply":
        return labels.WAIT_REPLY.format(message=_message(company, row))
    why = _why(row, "other")
    if row.cycle_start is not None:
        start = formats.recent_moment(row.cycle_start, company.local_date)
        return labels.WAIT_GRACE_AGAIN.format(cycle_start=start, why=why)
    grace = formats.hours(company.dispatch_grace_hours)
    return labels.WAIT_GRACE.format(why=why, grace=grace)


def callable_from(company: Company, row: AgendaRow) -> str:
    """Format the time from which a waiting client may be called; empty on another's list."""
    if row.callable_at is None:
        return ""
    return formats.recent_moment(formats.from_minute(row.callable_at), company.local_date)


def attempts_of(company: Company, row: AgendaRow) -> str:
    """Say how many calls were made in the cycle, and the outcome of the last one."""
    if not row.attempts or row.last_attempt_at is None:
        return labels.ATTEMPTS_NONE
    pattern = labels.ATTEMPTS_ONE if row.attempts == 1 else labels.ATTEMPTS_MANY
    return pattern.format(
        count=formats.number(row.attempts),
        outcome=outcome_of(row),
        last=formats.recent_moment(row.last_attempt_at, company.local_date),
    )


def outcome_of(row: AgendaRow) -> str:
    """Return the label of the last call's outcome in the cycle; empty without calls."""
    return labels.OUTCOMES.get(row.last_outcome or "", row.last_outcome or "")


def untried_of(row: AgendaRow) -> str:
    """Say for how long the row has been listed without a call; empty if it was added today."""
    if row.days_untried is None:
        return ""
    return labels.UNTRIED.format(days=formats.days(row.days_untried))


def vehicle(model: str | None, plate: str | None) -> str:
    """Describe a vehicle by model and plate."""
    if model is None and plate is None:
        return labels.NO_VEHICLE
    return f"{model or labels.NO_MODEL} · {plate or labels.NO_PLATE}"


def state_of(row: AgendaRow) -> str:
    """Say whether the agenda is open, or when it was closed."""
    if row.is_open:
        return labels.STATE_OPEN
    if row.closed_at is None:
        return labels.STATE_CLOSED
    return labels.STATE_CLOSED_AT.format(closed=formats.moment(row.closed_at))


def message_of(row: AgendaRow) -> str:
    """Say when the last message was sent, or why none was."""
    if row.last_sent_at is not None:
        return labels.MESSAGE_SENT.format(sent=formats.moment(row.last_sent_at))
    return labels.MESSAGE_NOT_SENT.format(why=_why(row, row.whatsapp_status))


def response_of(row: AgendaRow) -> str:
    """Describe the client's response (R8) with the evidence."""
    words = labels.RESPONSES.get(row.response, row.response)
    if row.response in ("booked", "booked_elsewhere") and row.booked_for is not None:
        return labels.RESPONSE_BOOKED.format(response=words, moment=formats.moment(row.booked_for))
    if row.response == "refused":
        reason = row.loss_reason or labels.bucket_label("refused", labels.UNSPECIFIED)
        return labels.RESPONSE_REFUSED.format(response=words, reason=reason)
    if row.response == "no_reply" and row.days_without_reply is not None:
        days = formats.days(row.days_without_reply)
        return labels.RESPONSE_NO_REPLY.format(response=words, days=days)
    return words


# --- Rows of a total -------------------------------------------------------------------------


def whatsapp_of(row: CountedRow) -> str:
    """Say whether a message was sent, or why not."""
    if row.whatsapp_status is None:
        return labels.WITHOUT_MESSAGE
    if row.whatsapp_cause is not None and row.whatsapp_status == "other":
        return labels.NOT_SENT_BECAUSE.format(why=labels.cause(row.whatsapp_cause).words)
    return labels.GRID_WHATSAPP.get(row.whatsapp_status, row.whatsapp_status)


def whatsapp_when(row: CountedRow, status: str) -> str:
    """Add the time to the text of `whatsapp_of`, and "before the no-show" if it was (R7)."""
    if row.last_sent_at is None:
        return status
    sent = labels.SENT_AT.format(sent=formats.moment(row.last_sent_at))
    if row.cycle_start is not None and row.last_sent_at < row.cycle_start:
        return labels.SENT_BEFORE_NO_SHOW.format(sent=sent)
    return sent


def situation_of(company: Company, totalizer: str, row: CountedRow) -> str:
    """Describe the current state of a total's row.

    Args:
        company: The company of the row.
        totalizer: The code of the total.
        row: The row.

    Returns:
        One phrase with the evidence.
    """
    today = company.local_date
    if totalizer == "passive" and row.contacted_at is not None:
        wrote = labels.WROTE.format(at=formats.recent_moment(row.contacted_at, today))
        return f"{wrote}; {labels.AMBIGUOUS}" if row.is_ambiguous else wrote
    if totalizer == "no_show" and row.no_show_at is not None:
        return labels.NO_SHOW_OF.format(
            at=formats.recent_moment(row.no_show_at, today),
            booked_for=_moment(row.booked_for, today),
        )
    phrase = _grid_response(row, today)
    return phrase if row.is_open else f"{phrase}; {labels.CLOSED}"


def _grid_response(row: CountedRow, today: date) -> str:
    """Describe the response (R8)."""
    pattern = labels.GRID_RESPONSES.get(row.response or "")
    if pattern is None:
        return row.response or ""
    return pattern.format(
        booked_for=_moment(row.booked_for, today),
        replied_at="" if row.replied_at is None else f" {_moment(row.replied_at, today)}",
        days=formats.days(row.days_without_reply or 0),
        reason=row.loss_reason or labels.NO_REASON,
    )


def _moment(value: datetime | None, today: date) -> str:
    return labels.NOT_AVAILABLE if value is None else formats.recent_moment(value, today)


# --- Parts of sentences ----------------------------------------------------------------------


def _message(company: Company, row: AgendaRow) -> str:
    sent = row.since or row.last_sent_at
    if sent is None:
        return labels.SIGNAL_NOT_SENT
    today = company.local_date
    text = labels.MESSAGE_SENT.format(sent=formats.recent_moment(sent, today))
    if row.delivered_at is not None:
        delivered = formats.moment_after(row.delivered_at, sent, today)
        text += labels.MESSAGE_DELIVERED.format(delivered=delivered)
    if row.read_at is not None:
        read = formats.moment_after(row.read_at, row.delivered_at or sent, today)
        text += labels.MESSAGE_READ.format(read=read)
    return text


def _why(row: AgendaRow, detail: str) -> str:
    if detail == "invalid_phone" and row.client_id is None:
        return labels.WHY_NO_CLIENT
    if detail == "other" and row.whatsapp_cause is not None:
        return labels.cause(row.whatsapp_cause).words
    return labels.NOT_SENT_DETAIL.get(detail, detail)


def _why_not(company: Company, row: AgendaRow) -> str:
    """Say why the client is on no call list (R9, R15)."""
    if words := labels.WHY_DONE.get(row.call_state or ""):
        return words
    today = company.local_date
    obstacle = row.call_obstacle or row.response
    if obstacle == "closed" and row.closed_at is None:
        return labels.WHY_CLOSED
    pattern = labels.WHY_NOT.get(obstacle)
    if pattern is None:
        return labels.RESPONSES.get(obstacle, obstacle)
    return pattern.format(
        closed_at=_moment(row.closed_at, today),
        contact_date=formats.day(row.contact_date),
        booked_for=_moment(row.booked_for, today),
        replied_at=_moment(row.replied_at, today),
        reason=row.loss_reason or labels.NO_REASON,
    )
